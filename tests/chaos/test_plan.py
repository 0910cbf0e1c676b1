"""The plan of faults follows from its seed."""

import itertools

import pytest

from tests.chaos.plan import KINDS, SESSION_S, TRANSACTION_S, plan


def test_the_same_seed_gives_the_same_faults() -> None:
    assert plan(50, 7) == plan(50, 7)


def test_another_seed_gives_other_faults() -> None:
    assert plan(50, 7) != plan(50, 8)


@pytest.mark.parametrize("faults", [0, 1, 3, 30, 200])
def test_a_plan_has_as_many_faults_as_wanted(faults: int) -> None:
    assert len(plan(faults, 1)) == faults


@pytest.mark.parametrize("seed", range(20))
def test_thirty_faults_have_every_kind_among_them(seed: int) -> None:
    assert {fault.kind for fault in plan(30, seed)} == set(KINDS)


def test_a_long_stop_outlasts_the_session() -> None:
    lasts = [fault.lasts_s for fault in plan(200, 1) if fault.kind == "stop long"]
    assert min(lasts) > SESSION_S
    assert max(lasts) > TRANSACTION_S


def test_brokers_have_others_in_between() -> None:
    places = [n for n, fault in enumerate(plan(200, 1)) if fault.kind == "broker"]
    assert min(b - a for a, b in itertools.pairwise(places)) > 2
