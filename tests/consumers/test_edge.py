"""What the edge makes of an input."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.edge import EdgeHandler, EdgeRules
from consumers.lanes import Raw
from consumers.scoring import Scorer
from router.bundle import load_bundle
from router.plan import Output, Writing
from router.policy import reference_policy
from schemas.codec import decode_dead_letter, redriven_headers
from schemas.dead_letter import Redriven
from schemas.record import Source
from tests.services.stream import BUNDLE

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(load_bundle(BUNDLE), "edge", 1, time.perf_counter)


def handler(
    scorer: Scorer,
    *,
    confidence: float = 0.0,
    audit_rate: float = 0.0,
    available: bool = True,
    writing: Writing | None = None,
) -> EdgeHandler:
    policy = reference_policy(
        ("student",), salt="s", confidence=confidence, complexity=1.0, audit_rate=audit_rate
    )
    rules = EdgeRules(policy, frozenset({"customer"}), 200, 0.001, writing or Writing())
    return EdgeHandler(scorer, rules, available=lambda: available)


def raw(offset: int = 4, **fields: object) -> Raw:
    value = {"role": "customer", "text": "where is my parcel?", "conversation_id": "c", **fields}
    return Raw("transcripts", 1, offset, b"key", json.dumps(value).encode(), 0.0)


def written(edge: EdgeHandler, record: Raw) -> dict[str, Any]:
    """Return the records written for an input, by topic; a dead letter by its headers."""
    (job,) = edge.prepare([record])
    plan = job.plan or edge.infer([job.work])[0]  # type: ignore[list-item]
    return {output.topic: _loaded(output) for output in plan(NOW, 3.0)}


def _loaded(output: Output) -> Any:
    if output.topic == "dead_letters":
        return decode_dead_letter(output.headers)
    return json.loads(output.value)


def test_an_easy_message_is_final_at_the_edge(scorer: Scorer) -> None:
    found = written(handler(scorer), raw())
    assert set(found) == {"decisions", "results"}
    assert found["decisions"]["route"] == "edge"
    assert found["decisions"]["reason"] == "optimal_edge"
    assert found["decisions"]["price"] == 0.001
    assert found["results"]["status"] == "final"


def test_a_hard_message_is_provisional_and_travels_on_with_its_text(scorer: Scorer) -> None:
    found = written(handler(scorer, confidence=1.0), raw())
    assert found["decisions"]["route"] == "cloud"
    assert found["results"]["status"] == "provisional"
    assert found["escalations"]["text"] == "where is my parcel?"
    assert found["escalations"]["edge"]["label"] == found["results"]["label"]


def test_provisional_answers_can_be_switched_off(scorer: Scorer) -> None:
    edge = handler(scorer, confidence=1.0, writing=Writing(provisional=False))
    assert set(written(edge, raw())) == {"decisions", "escalations"}


def test_where_the_cloud_is_unavailable_the_edge_answers_and_says_so(scorer: Scorer) -> None:
    found = written(handler(scorer, confidence=1.0, available=False), raw())
    assert found["decisions"]["reason"] == "cloud_error"
    assert found["results"]["status"] == "final"
    assert "escalations" not in found


def test_a_role_that_is_not_scored_passes_as_skipped_and_unpriced(scorer: Scorer) -> None:
    found = written(handler(scorer), raw(role="agent"))
    assert found["decisions"]["route"] == "skipped"
    assert found["decisions"]["price"] == 0
    assert found["results"]["answered_by"] == "nobody"


def test_roles_are_compared_without_case(scorer: Scorer) -> None:
    assert written(handler(scorer), raw(role="Customer"))["decisions"]["route"] == "edge"


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_message_is_skipped(scorer: Scorer, text: str) -> None:
    assert written(handler(scorer), raw(text=text))["decisions"]["reason"] == "empty_text"


def test_a_message_at_the_limit_is_scored_and_one_over_it_is_a_dead_letter(
    scorer: Scorer,
) -> None:
    assert written(handler(scorer), raw(text="é" * 200))["decisions"]["route"] == "edge"
    found = written(handler(scorer), raw(text="é" * 201))
    assert found["decisions"]["route"] == "dead_letter"
    assert found["dead_letters"].cause == "too_long"


def test_a_replayed_message_that_is_refused_counts_for_its_run(scorer: Scorer) -> None:
    found = written(handler(scorer), raw(text="é" * 201, run_id="history-1", turn=4))
    assert found["decisions"]["run_id"] == "history-1"
    assert found["decisions"]["turn"] == 4


def test_a_long_dead_letter_keeps_its_beginning_its_size_and_its_hash(scorer: Scorer) -> None:
    edge = handler(scorer, writing=Writing(dead_letter_bytes=10))
    record = raw(text="x" * 500)
    (job,) = edge.prepare([record])
    assert job.plan is not None
    letter = next(output for output in job.plan(NOW, 0.0) if output.topic == "dead_letters")
    described = decode_dead_letter(letter.headers)
    assert record.value is not None
    assert letter.value == record.value[:10]
    assert described.truncated
    assert described.size == len(record.value)


def test_a_redriven_record_that_fails_again_keeps_its_history(scorer: Scorer) -> None:
    first = Source(topic="transcripts", partition=0, offset=9)
    letter = Source(topic="dead-letters", partition=3, offset=7)
    history = Redriven(attempt=2, first_source=first, dead_letter=letter)
    record = replace(raw(text="é" * 201), headers=redriven_headers(history))
    found = written(handler(scorer), record)["dead_letters"]
    assert (found.attempts, found.first_source, found.previous) == (2, first, letter)
    assert found.source == record.source


def test_a_dead_letter_says_that_its_key_was_too_long_to_keep(scorer: Scorer) -> None:
    long = replace(raw(text="é" * 201), key=b"k" * 2_000)
    assert written(handler(scorer), long)["dead_letters"].key_dropped
    assert not written(handler(scorer), raw(text="é" * 201))["dead_letters"].key_dropped


def test_text_is_in_a_result_only_where_the_setting_asks_for_it(scorer: Scorer) -> None:
    asked = handler(scorer, writing=Writing(text_in_results=True))
    assert written(asked, raw())["results"]["text"] == "where is my parcel?"
    assert "text" not in written(handler(scorer), raw())["results"]


def test_a_replayed_message_carries_its_run_everywhere(scorer: Scorer) -> None:
    found = written(handler(scorer, confidence=1.0), raw(run_id="history-1"))
    assert {record["run_id"] for record in found.values()} == {"history-1"}


def test_an_audited_message_is_chosen_by_its_identity_and_not_by_its_position(
    scorer: Scorer,
) -> None:
    edge = handler(scorer, audit_rate=0.5)
    drawn = {
        turn: {written(edge, raw(turn=turn, offset=at))["decisions"]["route"] for at in (1, 77)}
        for turn in range(20)
    }
    assert all(len(routes) == 1 for routes in drawn.values())
    assert {route for routes in drawn.values() for route in routes} == {"edge", "cloud"}
