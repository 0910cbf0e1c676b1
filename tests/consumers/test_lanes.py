"""The state table of a lane, and what it lets out."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.errors import LaneLost
from consumers.lanes import TRANSITIONS, Lane, State, ToWrite, WrongState
from consumers.records import Partition, Raw

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def raw(offset: int, size: int = 1) -> Raw:
    return Raw("in", 0, offset, None, b"x" * size, 0.0)


def open_lane(position: int = 0) -> Lane[int]:
    lane: Lane[int] = Lane(Partition("in", 0), 1)
    lane.opened(position)
    return lane


class Value(NamedTuple):
    """A record of which one number is written."""

    number: int

    def at(self, moment: datetime, ms: float) -> list[int]:
        return [self.number]


def plan_of(value: int) -> ToWrite[int]:
    return Value(value)


@pytest.mark.parametrize("start", list(State))
@pytest.mark.parametrize("to", list(State))
def test_only_the_transitions_of_the_table_are_possible(start: State, to: State) -> None:
    lane: Lane[int] = Lane(Partition("in", 0), 1, state=start)
    if to in TRANSITIONS[start]:
        lane.move(to)
        assert lane.state is to
    else:
        with pytest.raises(WrongState):
            lane.move(to)


def test_a_starting_lane_takes_nothing_in() -> None:
    lane: Lane[int] = Lane(Partition("in", 0), 1)
    assert lane.accept([raw(0)]) == []
    assert not lane.slots


def test_a_closed_lane_drops_what_is_finished_late() -> None:
    lane = open_lane()
    (slot,) = lane.accept([raw(0)])
    lane.close()
    lane.finish(slot, plan_of(0))
    assert slot.plan is None
    assert lane.finished_front(10) == []


def test_a_record_finished_out_of_order_waits_for_those_before_it() -> None:
    lane = open_lane()
    first, second = lane.accept([raw(0), raw(1)])
    lane.finish(second, plan_of(1))
    assert lane.finished_front(10) == []
    lane.finish(first, plan_of(0))
    assert lane.finished_front(10) == [first, second]


def test_the_position_after_a_commit_is_behind_the_last_record_whatever_the_gaps() -> None:
    lane = open_lane(5)
    slots = lane.accept([raw(5), raw(9)])
    for slot in slots:
        lane.finish(slot, plan_of(slot.offset))
    lane.move(State.COMMITTING)
    lane.committed(lane.finished_front(10))
    assert lane.position == 10
    assert lane.bytes_held == 0


def test_only_the_front_can_be_committed() -> None:
    lane = open_lane()
    _, second = lane.accept([raw(0), raw(1)])
    lane.move(State.COMMITTING)
    with pytest.raises(WrongState):
        lane.committed([second])


def test_records_older_than_the_last_one_taken_in_cost_the_lane() -> None:
    lane = open_lane()
    lane.accept([raw(4)])
    with pytest.raises(LaneLost):
        lane.accept([raw(4)])


@pytest.mark.parametrize(("records", "held"), [(3, 100), (100, 3)])
def test_a_lane_at_either_bound_has_no_room(records: int, held: int) -> None:
    lane = open_lane()
    lane.accept([raw(0), raw(1), raw(2)])
    assert not lane.has_room(records, held)
    assert lane.has_room(records + 1, held + 1)


@given(st.permutations(range(12)), st.integers(1, 12))
def test_whatever_the_order_of_finishing_records_leave_once_and_in_order(
    order: list[int], limit: int
) -> None:
    lane = open_lane()
    slots = lane.accept([raw(offset) for offset in range(12)])
    left: list[int] = []
    for index in order:
        lane.finish(slots[index], plan_of(index))
        while front := lane.finished_front(limit):
            lane.move(State.COMMITTING)
            left += [value for slot in front if slot.plan for value in slot.plan.at(NOW, 0.0)]
            lane.committed(front)
    assert left == list(range(12))
    assert lane.position == 12
