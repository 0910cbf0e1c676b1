"""The recount sees what is missing and what is there twice."""

import json
from typing import Any

import pytest

from tests.chaos.messages import SORT_HEADER
from tests.chaos.moments import Happened, firsts
from tests.chaos.recount import Check, Position, Recount, Topic

SCORED, HARD, SKIPPED, MALFORMED = (0, 0), (0, 1), (0, 2), (1, 0)
_SORTS = {SCORED: b"scored", HARD: b"scored", SKIPPED: b"skipped", MALFORMED: b"malformed"}
Record = tuple[Topic, Position, dict[str, Any], dict[str, bytes]]


def _source(place: Position) -> dict[str, int]:
    return {"partition": place[0], "offset": place[1]}


def _routed(at: int, of: Position, route: str) -> Record:
    value = {"kind": "routed", "route": route, "source": _source(of)}
    return "decisions", (0, at), value, {}


def _result(at: int, of: Position, status: str) -> Record:
    return "results", (0, at), {"status": status, "source": _source(of)}, {}


def _good() -> dict[str, Record]:
    letter = {"source": json.dumps(_source(MALFORMED)).encode()}
    inputs: dict[str, Record] = {
        f"input {n}": ("transcripts", place, {}, {SORT_HEADER: sort})
        for n, (place, sort) in enumerate(_SORTS.items())
    }
    return inputs | {
        "routed scored": _routed(0, SCORED, "edge"),
        "routed hard": _routed(1, HARD, "cloud"),
        "routed skipped": _routed(2, SKIPPED, "skipped"),
        "routed malformed": _routed(3, MALFORMED, "dead_letter"),
        "final scored": _result(0, SCORED, "final"),
        "provisional": _result(1, HARD, "provisional"),
        "final skipped": _result(2, SKIPPED, "final"),
        "dead letter": ("dead-letters", (0, 0), {}, letter),
        "escalation": ("escalations", (5, 9), {"source": _source(HARD)}, {}),
        "answered": (
            "decisions",
            (0, 4),
            {"kind": "answered", "source": _source(HARD), "escalation": _source((5, 9))},
            {},
        ),
        "final hard": _result(3, HARD, "final"),
    }


def _recount(*records: Record) -> Recount:
    recount = Recount()
    for moment, (topic, place, value, headers) in enumerate(records):
        recount.add(topic, place, json.dumps(value).encode(), headers, float(moment))
    return recount


def test_a_good_run_has_nothing_lost_and_nothing_doubled() -> None:
    checks = _recount(*_good().values()).checks()
    assert [(check.lost, check.doubled) for check in checks] == [([], [])] * len(checks)


@pytest.mark.parametrize("name", [name for name in _good() if not name.startswith("input")])
def test_a_missing_record_is_lost(name: str) -> None:
    records = _good()
    del records[name]
    assert any(check.lost for check in _recount(*records.values()).checks())


@pytest.mark.parametrize("name", [name for name in _good() if not name.startswith("input")])
def test_a_record_that_is_there_twice_is_doubled(name: str) -> None:
    records = _good()
    topic, (partition, _), value, headers = records[name]
    recount = _recount(*records.values(), (topic, (partition, 99), value, headers))
    assert any(check.doubled for check in recount.checks())


@pytest.mark.parametrize("name", [name for name in _good() if not name.startswith("input")])
def test_the_moment_of_what_is_doubled_is_that_of_the_second_record(name: str) -> None:
    records = _good()
    topic, (partition, _), value, headers = records[name]
    checks = _recount(*records.values(), (topic, (partition, 99), value, headers)).checks()
    moments = {check.first_doubled[0] for check in checks if check.first_doubled}
    assert float(len(records)) in moments


def test_the_earliest_of_what_is_doubled_comes_first_whatever_the_order_of_reading() -> None:
    recount = _recount(*_good().values(), _result(98, SKIPPED, "final"))
    late, early = _result(99, SCORED, "final"), _result(100, SCORED, "final")
    for (topic, place, value, headers), at in ((late, 70.0), (early, 9.5)):
        recount.add(topic, place, json.dumps(value).encode(), headers, at)
    assert next(c.first_doubled for c in recount.checks() if c.doubled) == (9.5, SCORED)


def test_the_moment_of_what_is_lost_is_that_of_its_input() -> None:
    records = _good()
    del records["final skipped"], records["final hard"]
    checks = _recount(*records.values()).checks()
    assert next(check.first_lost for check in checks if check.lost) == (1.0, HARD)


def test_a_good_run_has_no_first() -> None:
    assert firsts(_recount(*_good().values()).checks(), [Happened(0.0, "broker")]) == []


def test_the_first_says_which_faults_came_before() -> None:
    checks = [
        Check(
            name="answered per escalation",
            of="escalations",
            expected=9,
            lost=[],
            doubled=[(2, 517)],
            first_doubled=(431.2, (2, 517)),
        ),
        Check("routed", "transcripts", 9, [(0, 1)], [(1, 1)], (440.0, (0, 1)), (432.0, (1, 1))),
    ]
    happened = [Happened(418.3, "broker"), Happened(430.0, "kill edge-1"), Happened(435.0, "leave")]
    doubled, lost = firsts(checks, happened)
    assert doubled == (
        "first doubled: answered per escalation [2]@517 at 431.2 s, "
        "1.2 s after fault 2 (kill edge-1), 12.9 s after fault 1 (broker)"
    )
    assert lost == (
        "first lost: routed [0]@1 written at 440.0 s, 5.0 s after fault 3 (leave), "
        "10.0 s after fault 2 (kill edge-1), 21.7 s after fault 1 (broker)"
    )


def test_the_first_may_come_before_any_fault() -> None:
    checks = [Check("routed", "transcripts", 9, [], [(1, 1)], first_doubled=(3.0, (1, 1)))]
    assert firsts(checks, [Happened(4.0, "broker")]) == [
        "first doubled: routed [1]@1 at 3.0 s, before any fault"
    ]


def test_an_answer_to_no_input_is_doubled() -> None:
    recount = _recount(*_good().values(), _result(99, (4, 4), "final"))
    assert next(check.doubled for check in recount.checks()) == [(4, 4)]


def test_a_decision_before_an_earlier_one_is_out_of_order() -> None:
    recount = _recount(_routed(0, HARD, "edge"), _routed(1, SCORED, "edge"))
    assert recount.disordered == [(0, 1)]
