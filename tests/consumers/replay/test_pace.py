"""When the next line is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.replay.pace import Pace
from consumers.replay.transcripts import ReplayError

FIRST = datetime(2024, 3, 1, tzinfo=UTC)


class Hands:
    """A clock that goes on only where somebody waits or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def read(self) -> float:
        return self.now


def spent(pace: Pace, hands: Hands, moments: list[datetime | None], work_s: float = 0.0) -> float:
    """Return what it takes to write these lines, each costing ``work_s``."""
    begun = hands.now
    for moment in moments:
        hands.now += pace.wait_s(moment) + work_s
    return hands.now - begun


def test_without_a_pace_nothing_waits() -> None:
    hands = Hands()
    assert spent(Pace(hands.read), hands, [FIRST, None, FIRST + timedelta(days=1)]) == 0


@given(st.floats(0.5, 5_000), st.integers(2, 200), st.floats(0, 1))
def test_lines_come_at_the_rate(rate: float, lines: int, part: float) -> None:
    hands = Hands()
    took = spent(Pace(hands.read, rate=rate), hands, [None] * lines, work_s=part / rate)
    assert took == pytest.approx((lines - 1 + part) / rate)


def test_a_stall_is_made_up_for_in_part_only() -> None:
    hands = Hands()
    pace = Pace(hands.read, rate=10)
    pace.wait_s(None)
    hands.now += 60
    at_once = 0
    while pace.wait_s(None) == 0:
        at_once += 1
    assert at_once == 11


def test_the_files_own_time_goes_as_many_times_as_fast() -> None:
    hands = Hands()
    pace = Pace(hands.read, speed=60)
    moments = [FIRST + timedelta(minutes=minute) for minute in (0, 1, 5)]
    assert spent(pace, hands, [*moments]) == pytest.approx(5)


def test_a_line_without_a_time_or_from_before_is_due_now() -> None:
    hands = Hands()
    pace = Pace(hands.read, speed=1)
    pace.wait_s(FIRST)
    assert (pace.wait_s(None), pace.wait_s(FIRST - timedelta(days=1))) == (0, 0)


def test_a_file_without_times_is_one_sentence() -> None:
    with pytest.raises(ReplayError, match="--column timestamp=NAME"):
        Pace(Hands().read, speed=1).wait_s(None)
