"""The plan of faults follows from its seed."""

import itertools

import pytest

from tests.chaos.plan import KINDS, SESSION_S, TRANSACTION_S, Fault, plan


def _brokers(faults: list[Fault]) -> list[int]:
    return [n for n, fault in enumerate(faults) if fault.kind == "broker"]


def _between(faults: list[Fault]) -> list[int]:
    return [b - a - 1 for a, b in itertools.pairwise(_brokers(faults))]


def test_the_same_seed_gives_the_same_faults() -> None:
    assert plan(50, 7) == plan(50, 7)


def test_another_seed_gives_other_faults() -> None:
    assert plan(50, 7) != plan(50, 8)


@pytest.mark.parametrize("faults", [0, 1, 3, 30, 200])
@pytest.mark.parametrize("share", [0.0, 0.06, 1 / 3, 0.5, 1.0])
def test_a_plan_has_as_many_faults_as_wanted(faults: int, share: float) -> None:
    assert len(plan(faults, 1, share)) == faults


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [0.06, 1 / 3])
def test_thirty_faults_have_every_kind_among_them(seed: int, share: float) -> None:
    assert {fault.kind for fault in plan(30, seed, share)} == set(KINDS)


@pytest.mark.parametrize("share", [0.0, 0.06, 0.2, 1 / 3, 0.5, 1.0])
def test_as_many_are_brokers_as_the_share_says(share: float) -> None:
    assert len(_brokers(plan(200, 1, share))) == round(200 * share)


def test_a_short_plan_has_a_broker_unless_there_shall_be_none() -> None:
    assert len(_brokers(plan(6, 1))) == 1
    assert _brokers(plan(6, 1, 0.0)) == []


def test_a_long_stop_outlasts_the_session() -> None:
    lasts = [fault.lasts_s for fault in plan(200, 1) if fault.kind == "stop long"]
    assert min(lasts) > SESSION_S
    assert max(lasts) > TRANSACTION_S


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [0.06, 0.2, 1 / 3])
def test_brokers_have_two_others_in_between(seed: int, share: float) -> None:
    assert min(_between(plan(200, seed, share))) >= 2


def test_a_greater_share_leaves_fewer_in_between() -> None:
    assert min(_between(plan(200, 1, 0.5))) == 1
    assert max(_between(plan(200, 1, 1.0))) == 0


def test_the_seed_says_where_the_brokers_are() -> None:
    assert len({tuple(_brokers(plan(30, seed, 0.25))) for seed in range(10)}) > 5
