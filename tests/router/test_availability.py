"""What is concluded about the cloud from looking at it."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.availability import AwayRules, Observation, Standing, judged

RULES = AwayRules(absent_s=10.0, oldest_s=60.0, settle_s=5.0)
WELL = Observation(workers=1, oldest_s=None)
NOBODY = Observation(workers=0, oldest_s=None)
AVAILABLE = Standing()
AWAY = Standing(available=False)

Looks = Sequence[tuple[float, Observation | None]]

observations = st.builds(
    Observation,
    workers=st.integers(0, 2),
    oldest_s=st.none() | st.floats(0, 200),
)
looks = st.lists(
    st.tuples(st.floats(0.1, 20), st.none() | observations | st.sampled_from([WELL, NOBODY])),
    max_size=60,
)


def conclusions(looks: Looks, start: Standing = AVAILABLE) -> list[tuple[float, Standing]]:
    """Return what holds after each look; looks are given with the time since the last one."""
    found, standing, now = [], start, 100.0
    for since_last, seen in looks:
        now += since_last
        standing = judged(standing, RULES, seen, now)
        found.append((now, standing))
    return found


def every_second(*seen: Observation | None) -> Looks:
    return [(1.0, one) for one in seen]


def last(looks: Looks, start: Standing = AVAILABLE) -> bool:
    return conclusions(looks, start)[-1][1].available


def waiting(oldest_s: float, workers: int = 1) -> Observation:
    return Observation(workers, oldest_s)


def test_it_is_available_until_seen_otherwise() -> None:
    assert AVAILABLE.available


def test_without_a_worker_it_is_away_after_the_patience_and_not_before() -> None:
    assert last(every_second(*[NOBODY] * 10))
    assert not last(every_second(*[NOBODY] * 11))


def test_a_worker_seen_once_starts_the_patience_anew() -> None:
    assert last(every_second(*[NOBODY] * 9, WELL, *[NOBODY] * 9))


def test_a_question_that_waits_too_long_makes_it_away_at_once() -> None:
    assert last(every_second(waiting(60.0)))
    assert not last(every_second(waiting(60.1)))


def test_it_is_back_once_all_has_looked_well_for_the_time_to_settle() -> None:
    assert not last(every_second(*[WELL] * 5), AWAY)
    assert last(every_second(*[WELL] * 6), AWAY)


def test_a_worker_alone_does_not_bring_it_back_while_the_oldest_waits_longer_than_half() -> None:
    assert not last(every_second(*[waiting(30.1)] * 50), AWAY)
    assert last(every_second(*[waiting(30.0)] * 50), AWAY)


def test_an_empty_queue_without_a_worker_does_not_bring_it_back() -> None:
    assert not last(every_second(*[NOBODY] * 50), AWAY)


def test_a_worker_that_comes_and_goes_within_the_times_moves_nothing() -> None:
    flapping = [*[NOBODY] * 4, *[WELL] * 4] * 20
    for start in (AVAILABLE, AWAY):
        held = {standing.available for _, standing in conclusions(every_second(*flapping), start)}
        assert held == {start.available}


@given(looks)
def test_a_failed_look_changes_nothing(looks: Looks) -> None:
    for _, standing in conclusions(looks):
        assert judged(standing, RULES, None, 10_000.0) == standing


@given(looks)
def test_whatever_is_seen_an_absence_lasts_at_least_the_time_to_settle(looks: Looks) -> None:
    moments, held = [], True
    for now, standing in conclusions(looks):
        if standing.available != held:
            moments.append(now)
            held = standing.available
    # It goes away first, so those at odd places are the returns.
    for gone, back in zip(moments[::2], moments[1::2], strict=False):
        assert back - gone >= RULES.settle_s


@given(looks)
def test_the_number_of_changes_is_bounded_by_the_time_that_passes(looks: Looks) -> None:
    found = conclusions(looks)
    held = [True, *(standing.available for _, standing in found)]
    changes = sum(one != other for one, other in pairwise(held))
    passed = found[-1][0] - 100.0 if found else 0.0
    assert changes <= 2 * (passed // RULES.settle_s) + 1


@given(looks, st.booleans())
def test_a_long_calm_always_wins(looks: Looks, calm: bool) -> None:
    after = conclusions([*looks, *every_second(*[WELL if calm else NOBODY] * 12)])
    assert after[-1][1].available == calm
