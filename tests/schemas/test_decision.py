"""Decisions: what they can say, and that they have no room for text."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from schemas.codec import decode_decision, encode
from schemas.decision import REASONS, Answered, Breakdown, Reason, Routed, Verdict
from tests.schemas import strategies


@pytest.mark.parametrize("kind", [Routed, Answered, Verdict, Breakdown])
def test_a_decision_has_no_field_for_text_or_metadata(kind: Any) -> None:
    assert not {"text", "metadata", "role", "language"} & set(kind.model_fields)


@settings(max_examples=30)
@given(strategies.routed | strategies.answered)
def test_the_kind_is_written_so_that_a_reader_can_tell_them_apart(
    record: Routed | Answered,
) -> None:
    assert type(decode_decision(encode(record))) is type(record)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("field", ["length", "syntax", "uncertainty", "emotion"])
def test_a_part_outside_0_to_1_is_refused(field: str, share: float) -> None:
    good: dict[str, Any] = {
        "length": 0.1,
        "syntax": 0.1,
        "uncertainty": 0.1,
        "emotion": 0.1,
        "keywords": 0,
    }
    with pytest.raises(ValidationError):
        Breakdown(**good | {field: share})


def test_the_table_of_reasons_has_them_all() -> None:
    assert tuple(REASONS) == get_args(Reason)


def test_the_edge_answers_where_the_cloud_was_wanted_and_is_not_asked() -> None:
    assert {kind.route for kind in REASONS.values() if kind.is_fallback} == {"edge"}
