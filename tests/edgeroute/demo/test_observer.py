"""What the demo learns from the decisions topic."""

from edgeroute.demo.observer import Onlooker
from schemas.codec import encode
from schemas.decision import Answered, Routed
from schemas.record import Source
from tests.consumers.decisions import answered, routed


def at(offset: int) -> Source:
    return Source(topic="transcripts", partition=0, offset=offset)


def onlooker(*decisions: Routed | Answered) -> Onlooker:
    found = Onlooker()
    found.see(map(encode, decisions))
    return found


def escalated(offset: int) -> Routed:
    return routed(route="cloud", reason="low_confidence", source=at(offset))


def test_escalations_without_an_answer_wait() -> None:
    found = onlooker(routed(source=at(0)), escalated(1), escalated(2), answered(source=at(1)))
    assert (found.routed, found.waiting) == (3, 1)


def test_a_record_that_came_twice_is_one_and_an_answer_twice_hides_no_missing_one() -> None:
    found = onlooker(escalated(1), escalated(1), escalated(2), *[answered(source=at(1))] * 2)
    assert (found.routed, found.waiting, found.answers) == (2, 1, 2)


def test_an_answer_may_come_before_its_routing() -> None:
    assert onlooker(answered(source=at(1)), escalated(1)).waiting == 0


def test_the_newest_comes_first_and_skipped_ones_are_not_shown() -> None:
    skipped = routed(route="skipped", reason="role_not_scored", verdict=None, source=at(2))
    found = onlooker(routed(source=at(0)), answered(source=at(1)), skipped)
    assert [item.who for item in found.latest] == ["cloud", "edge"]
    assert [item.tier for item in found.latest] == ["teacher", "student"]


def test_a_dead_letter_is_named_by_its_place() -> None:
    dead = routed(route="dead_letter", reason="invalid_record", verdict=None, source=at(7))
    [item] = onlooker(dead).latest
    assert item.where == "transcripts[0] 7"


def test_what_is_no_decision_is_passed_over() -> None:
    found = Onlooker()
    found.see([b"nonsense", encode(routed())])
    assert found.routed == 1
