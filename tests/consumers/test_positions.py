"""Whom a lane believes about where it goes on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from consumers.positions import (
    NEW,
    Doubt,
    Witnesses,
    answered_escalation,
    judged,
    redriven_letter,
    refused_record,
    routed_input,
    undisputed,
)
from schemas.codec import encode, redriven_headers
from schemas.decision import Answered, Routed
from schemas.record import Source
from tests.schemas import strategies

offsets = st.integers(0, 100)
maybe = st.none() | offsets


@given(maybe, maybe)
def test_what_is_recorded_and_committed_alike_needs_no_other_witness(
    recorded: int | None, committed: int | None
) -> None:
    expected = recorded if recorded == committed else None
    assert undisputed(recorded, committed) == expected


@given(offsets, maybe, maybe)
def test_a_record_that_the_outputs_do_not_go_beyond_is_believed_whatever_the_broker_says(
    recorded: int, committed: int | None, answered: int | None
) -> None:
    known = Witnesses(recorded, committed, min(answered, recorded) if answered else answered)
    assert judged(known) == recorded


@given(maybe, maybe, maybe, st.booleans())
def test_nothing_that_is_answered_is_ever_answered_again(
    recorded: int | None, committed: int | None, answered: int | None, skips: bool
) -> None:
    verdict = judged(Witnesses(recorded, committed, answered, skips))
    if isinstance(verdict, Doubt):
        return
    lowest = max(recorded or 0, answered or 0)
    assert (0 if verdict == NEW else int(verdict)) >= lowest


@given(maybe, offsets, offsets)
def test_nothing_that_nobody_answered_is_ever_passed_over(
    recorded: int | None, committed: int, answered: int
) -> None:
    verdict = judged(Witnesses(recorded, committed, answered, skips=committed > answered))
    assert isinstance(verdict, Doubt) or int(verdict) <= max(recorded or 0, answered)


@given(st.none() | st.just(0), maybe)
def test_a_partition_is_new_only_where_neither_a_position_nor_an_output_exists(
    answered: int | None, committed: int | None
) -> None:
    verdict = judged(Witnesses(None, committed, answered))
    assert (verdict == NEW) == (answered is None and committed is None)


def test_markers_between_the_last_answer_and_the_offset_of_the_broker_raise_no_doubt() -> None:
    assert judged(Witnesses(None, 9, 7, skips=False)) == 9


def test_an_older_release_at_work_in_between_is_believed_where_the_broker_confirms_it() -> None:
    assert judged(Witnesses(recorded=5, committed=9, answered=9)) == 9


def test_a_doubt_proposes_to_go_on_behind_the_last_answer() -> None:
    verdict = judged(Witnesses(None, None, 7))
    assert isinstance(verdict, Doubt)
    assert verdict.proposed == 7


# -- what a record answers -------------------------------------------------------------------------


@given(strategies.routed)
def test_a_routed_record_answers_its_input(record: Routed) -> None:
    assert routed_input(encode(record), ()) == record.source
    assert answered_escalation(encode(record), ()) is None


@given(strategies.answered)
def test_an_answered_record_answers_its_escalation(record: Answered) -> None:
    assert answered_escalation(encode(record), ()) == record.escalation
    assert routed_input(encode(record), ()) is None


@given(strategies.sources)
def test_a_dead_letter_answers_the_record_it_keeps(source: Source) -> None:
    assert refused_record(b"x", (("source", encode(source)), ("cause", b'"empty"'))) == source


@given(strategies.redriven)
def test_a_redriven_input_answers_its_dead_letter(record: object) -> None:
    headers = redriven_headers(record)  # type: ignore[arg-type]
    assert redriven_letter(b"x", headers) == record.dead_letter  # type: ignore[attr-defined]


@given(
    st.none() | st.binary() | strategies.json_values.map(lambda v: json.dumps(v).encode()),
    st.lists(st.tuples(st.sampled_from(["source", "redrive_attempt", "x"]), st.binary())),
)
def test_what_is_none_of_ours_answers_nothing_and_raises_nothing(
    value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    for answers in (routed_input, answered_escalation, redriven_letter):
        assert answers(value, tuple(headers)) is None
    refused_record(value, tuple(headers))
