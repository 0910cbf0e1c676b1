"""Intervals and paired comparisons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy")

from training.judge.significance import interval, retention

RIGHTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


def _columns(pairs: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    one, other = np.array(pairs, dtype=np.bool_).T
    return one, other


@given(RIGHTS)
def test_the_intervals_contain_what_was_measured(pairs: list[tuple[bool, bool]]) -> None:
    one, other = _columns(pairs)
    wide = interval(one)
    assert wide.low <= one.mean() + 1e-12
    assert one.mean() - 1e-12 <= wide.high
    kept = retention("a", one, "b", other, seed=1)
    assert kept.interval.low <= kept.share <= kept.interval.high


@given(RIGHTS)
def test_a_network_keeps_all_of_itself(pairs: list[tuple[bool, bool]]) -> None:
    one, _ = _columns([*pairs, (True, True)])
    kept = retention("a", one, "a", one, seed=1)
    assert kept.share == kept.interval.high == kept.p_value == 1.0
    assert kept.only_of_right == kept.only_against_right == 0


def test_the_known_interval_of_wilson() -> None:
    found = interval(np.arange(100) < 85)
    assert (found.low, found.high) == pytest.approx((0.7672, 0.9069), abs=1e-4)


def test_the_exact_test_of_mcnemar() -> None:
    one = np.array([True] * 90 + [True] * 1 + [False] * 9)
    other = np.array([True] * 90 + [False] * 1 + [True] * 9)
    assert retention("a", one, "b", other, seed=1).p_value == pytest.approx(22 / 1024)


def test_the_pairing_narrows_the_interval() -> None:
    chance = np.random.default_rng(0)
    one = chance.random(1_000) < 0.85
    close, far = one.copy(), chance.permutation(one)
    close[:5] = ~close[:5]
    paired, apart = (retention("a", one, "b", other, 1).interval for other in (close, far))
    assert paired.high - paired.low < (apart.high - apart.low) / 4
