"""What all records share, and the identity of a message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.codec import RECORDS
from schemas.record import Source, identity_of
from tests.schemas import strategies

SOURCE = Source(topic="transcripts", partition=3, offset=7)
identities = st.tuples(
    st.none() | strategies.names, st.none() | st.integers(0, 2**31), strategies.sources
)


def test_a_message_of_a_conversation_is_known_by_its_turn() -> None:
    assert identity_of("abc", 2, SOURCE) == '["turn", "abc", 2]'


@pytest.mark.parametrize(("conversation", "turn"), [(None, None), ("abc", None), (None, 2)])
def test_a_message_without_both_is_known_by_its_position(
    conversation: str | None, turn: int | None
) -> None:
    assert identity_of(conversation, turn, SOURCE) == '["position", "transcripts", 3, 7]'


@given(strategies.names, st.integers(0), strategies.sources, strategies.sources)
def test_the_identity_of_a_turn_survives_a_copy_to_another_topic(
    conversation: str, turn: int, one: Source, other: Source
) -> None:
    assert identity_of(conversation, turn, one) == identity_of(conversation, turn, other)


@given(identities, identities)
def test_two_messages_share_an_identity_only_if_they_share_what_it_is_made_of(
    one: Any, other: Any
) -> None:
    def key(conversation: str | None, turn: int | None, source: Source) -> Any:
        known = conversation is not None and turn is not None
        return (conversation, turn) if known else source

    assert (identity_of(*one) == identity_of(*other)) == (key(*one) == key(*other))


@given(identities)
def test_an_identity_is_ascii(parts: Any) -> None:
    assert identity_of(*parts).isascii()


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_record_is_of_version_1_unless_it_says_otherwise(name: str) -> None:
    assert RECORDS[name].model_fields["version"].default == 1


@pytest.mark.parametrize("name", sorted(set(RECORDS) - {"transcript", "position", "moved"}))
def test_every_record_downstream_carries_its_source(name: str) -> None:
    assert RECORDS[name].model_fields["source"].is_required()


@pytest.mark.parametrize(
    "changes", [{"topic": ""}, {"partition": -1}, {"offset": -1}, {"offset": "7"}]
)
def test_a_position_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Source(**SOURCE.model_dump() | changes)


def test_an_error_of_validation_does_not_show_its_input() -> None:
    with pytest.raises(ValidationError) as refused:
        Source(topic="transcripts", partition=0, offset="zq7MARK")  # type: ignore[arg-type]
    assert "zq7MARK" not in str(refused.value)
