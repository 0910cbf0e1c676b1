"""From a decision to the records of one transaction."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.economics import Prices
from router.plan import Output, Turn, Writing, refused, routed, skipped, unknown_at
from router.policy import Answer, Decided, bundle_policy, decide
from schemas.codec import Undecodable, decode, decode_dead_letter
from schemas.decision import Routed
from schemas.escalation import Escalation
from schemas.record import Source
from schemas.result import Result
from schemas.transcript import Transcript

PRICES = Prices(edge=0.001, cloud=0.02)
WRITTEN = (datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC), 12.5)
PLACE = Source(topic="transcripts", partition=3, offset=99)
FAULT = Undecodable("not_json", "the value is not JSON in UTF-8")


def turn(**fields: object) -> Turn:
    text = {"role": "customer", "text": "my parcel is late", **fields}
    return Turn(Transcript.model_validate(text), PLACE)


def decided(about: Turn, confidence: float) -> Decided:
    policy = bundle_policy(
        ("student",), salt="s", calibrated={"confidence": 0.5, "audit_rate": 0.0}
    )
    return decide(
        policy,
        identity=about.identity,
        text=about.transcript.text,
        answers=[Answer("student", "negative", confidence)],
        available=True,
        bundle_version="b-1",
    )


def topics(outputs: list[Output]) -> list[str]:
    return sorted(output.topic for output in outputs)


@given(
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([None, "run"]),
    st.sampled_from([None, False, True]),
)
def test_a_scored_record_has_one_decision_and_is_final_or_escalated_and_never_both(
    confidence: float, provisional: bool, run_id: str | None, escalate: bool | None
) -> None:
    about = turn(run_id=run_id, escalate=escalate)
    writing = Writing(provisional=provisional)
    outputs = routed(about, decided(about, confidence), PRICES, writing, 3.25).at(*WRITTEN)
    results = [decode(Result, o.value) for o in outputs if o.topic == "results"]
    finals = sum(result.status == "final" for result in results)
    assert topics(outputs).count("decisions") == 1
    assert finals + topics(outputs).count("escalations") == 1
    assert len(results) - finals == (provisional and finals == 0)


@pytest.mark.parametrize(
    ("marks", "sent"),
    [
        ({}, True),
        ({"escalate": False}, True),
        ({"run_id": "r"}, False),
        ({"run_id": "r", "escalate": False}, False),
        ({"run_id": "r", "escalate": True}, True),
    ],
)
def test_a_replay_escalates_for_real_only_where_that_is_asked_for(
    marks: dict[str, object], sent: bool
) -> None:
    about = turn(**marks)
    outputs = routed(about, decided(about, 0.2), PRICES, Writing(), 3.25).at(*WRITTEN)
    assert ("escalations" in topics(outputs)) == sent


def test_what_is_not_sent_is_decided_and_priced_and_has_the_edges_answer() -> None:
    about = turn(run_id="r")
    outputs = {
        o.topic: o.value
        for o in routed(about, decided(about, 0.2), PRICES, Writing(), 3.25).at(*WRITTEN)
    }
    record, result = decode(Routed, outputs["decisions"]), decode(Result, outputs["results"])
    assert (record.route, record.reason) == ("cloud", "low_confidence")
    assert (record.price, record.unsent_price) == (PRICES.edge, PRICES.cloud)
    assert (result.status, result.answered_by, result.reason) == ("final", "edge", "low_confidence")


@pytest.mark.parametrize(("confidence", "marks"), [(0.2, {}), (0.9, {"run_id": "r"})])
def test_what_is_sent_or_stays_at_the_edge_has_no_price_of_what_is_not_sent(
    confidence: float, marks: dict[str, object]
) -> None:
    about = turn(**marks)
    outputs = routed(about, decided(about, confidence), PRICES, Writing(), 3.25).at(*WRITTEN)
    assert decode(Routed, outputs[0].value).unsent_price is None


def test_the_same_arguments_give_the_same_bytes() -> None:
    about = turn(conversation_id="c", turn=1)
    first, again = (routed(about, decided(about, 0.2), PRICES, Writing(), 3.25) for _ in range(2))
    assert first == again
    assert first.at(*WRITTEN) == again.at(*WRITTEN)


def test_all_records_of_a_conversation_have_its_key() -> None:
    about = turn(conversation_id="c-7", turn=1)
    outputs = routed(about, decided(about, 0.2), PRICES, Writing(), 3.25).at(*WRITTEN)
    assert {output.key for output in outputs} == {b"c-7"}


def test_a_message_without_a_conversation_is_keyed_by_its_identity() -> None:
    outputs = skipped(turn(), "role_not_scored").at(*WRITTEN)
    assert {output.key for output in outputs} == {b'["position", "transcripts", 3, 99]'}


def test_an_escalation_carries_the_text_and_the_edges_answer_and_no_metadata() -> None:
    about = turn(conversation_id="c", turn=1, metadata={"phone": "555"})
    outputs = routed(about, decided(about, 0.2), PRICES, Writing(), 3.25).at(*WRITTEN)
    (value,) = [output.value for output in outputs if output.topic == "escalations"]
    escalation = decode(Escalation, value)
    assert escalation.text == "my parcel is late"
    assert escalation.edge.label == "negative"
    assert b"555" not in value


@pytest.mark.parametrize(("length", "kept"), [(1024, True), (1025, False)])
def test_a_dead_letter_keeps_its_inputs_key_unless_that_is_long(length: int, kept: bool) -> None:
    outputs = refused(unknown_at(PLACE), b"k" * length, b"{", FAULT, Writing()).at(*WRITTEN)
    letter = next(output for output in outputs if output.topic == "dead_letters")
    assert (letter.key is not None) == kept


@given(st.binary(max_size=60), st.integers(1, 40))
def test_a_dead_letter_says_how_much_of_the_value_it_keeps(value: bytes, limit: int) -> None:
    writing = Writing(dead_letter_bytes=limit)
    outputs = refused(unknown_at(PLACE), None, value, FAULT, writing).at(*WRITTEN)
    letter = next(output for output in outputs if output.topic == "dead_letters")
    described = decode_dead_letter(letter.headers)
    assert letter.value == value[:limit]
    assert described.size == len(value)
    assert described.truncated == (len(value) > limit)


def test_what_is_known_only_when_it_is_written_is_filled_in_then() -> None:
    about = turn(conversation_id="c", turn=1)
    plan = routed(about, decided(about, 0.2), PRICES, Writing(), 3.25)
    record, result, escalation = (output.value for output in plan.at(*WRITTEN))
    moment, ms = WRITTEN
    assert decode(Routed, record).decided_at == moment
    assert (decode(Routed, record).processing_ms, decode(Routed, record).inference_ms) == (ms, 3.25)
    assert decode(Result, result).answered_at == moment
    assert decode(Escalation, escalation).escalated_at == moment
    refusal = refused(unknown_at(PLACE), None, b"{", FAULT, Writing())
    letter, decision = refusal.at(*WRITTEN)
    assert decode_dead_letter(letter.headers).failed_at == moment
    assert decode(Routed, decision.value).decided_at == moment
    assert (letter.refuses, decision.refuses) == (False, True)
