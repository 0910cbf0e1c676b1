"""How much of what would be escalated may be: under the ceiling, and smoothly."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.budget import Ceiling, Demand, admitted_share, observed
from router.economics import DAY, HOUR
from router.policy import admits, audited, probes, reference_policy

POLICY = reference_policy(["edge"], salt="s", audit_rate=0.5)
IDENTITIES = [f'["turn", "conversation {n // 7}", {n % 7}]' for n in range(20_000)]
PRICE = 0.0136

shares = st.floats(0, 1)
batches = st.lists(
    st.tuples(st.integers(0, 64), shares, st.floats(0, 5_000)).map(
        lambda batch: (batch[0], round(batch[0] * batch[1]), batch[2])
    ),
    max_size=30,
)
ceilings = st.builds(
    Ceiling,
    price=st.sampled_from([0.0, PRICE]),
    share=st.none() | shares,
    dollars_a_day=st.none() | st.floats(0, 1e6),
)


def after(batches: list[tuple[int, int, float]]) -> Demand:
    demand, now = Demand(), 0.0
    for scored, wanted, passed in batches:
        now += passed
        demand = observed(demand, scored, wanted, now)
    return demand


@given(ceilings, batches, shares)
def test_the_share_admitted_is_a_share(
    ceiling: Ceiling, batches: list[tuple[int, int, float]], part: float
) -> None:
    assert 0.0 <= admitted_share(ceiling, after(batches), part) <= 1.0


@given(batches, shares)
def test_without_a_ceiling_everything_is_admitted(
    batches: list[tuple[int, int, float]], part: float
) -> None:
    assert admitted_share(Ceiling(PRICE), after(batches), part) == 1.0


@pytest.mark.parametrize("ceiling", [Ceiling(PRICE, share=0.0), Ceiling(PRICE, dollars_a_day=0.0)])
def test_a_ceiling_of_nothing_admits_nothing_from_the_first_message_on(ceiling: Ceiling) -> None:
    for demand in (Demand(), after([(100, 10, 1.0)]), after([(0, 0, 1.0)] * 3)):
        assert admitted_share(ceiling, demand, 1.0) == 0.0


@given(ceilings, batches, shares, shares)
def test_a_higher_ceiling_never_admits_less(
    ceiling: Ceiling, batches: list[tuple[int, int, float]], one: float, other: float
) -> None:
    demand = after(batches)
    low, high = sorted((one, other))
    found = [
        admitted_share(replace(ceiling, share=share, dollars_a_day=1000 * share), demand, 1.0)
        for share in (low, high)
    ]
    assert found[0] <= found[1]


def test_before_anything_is_known_of_the_demand_it_is_taken_to_be_high() -> None:
    assert admitted_share(Ceiling(PRICE, share=0.05), Demand(), 1.0) == 0.05
    assert admitted_share(Ceiling(PRICE, dollars_a_day=1.0), Demand(), 1.0) < 0.01


@given(st.text(), shares, shares)
def test_a_larger_share_admits_the_same_messages_and_more(
    identity: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert admits(POLICY, identity, high) or not admits(POLICY, identity, low)


@given(st.text())
def test_all_and_none_are_exact(identity: str) -> None:
    assert admits(POLICY, identity, 1.0)
    assert not admits(POLICY, identity, 0.0)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_about_the_share_of_messages_is_admitted(share: float) -> None:
    found = sum(admits(POLICY, identity, share) for identity in IDENTITIES)
    assert found == pytest.approx(share * len(IDENTITIES), rel=0.1)


def test_who_is_admitted_does_not_depend_on_who_is_audited_or_probes() -> None:
    policy = replace(POLICY, probe_share=0.5)
    counted = Counter(
        (admits(policy, one, 0.5), audited(policy, one), probes(policy, one)) for one in IDENTITIES
    )
    assert len(counted) == 8
    for found in counted.values():
        assert found == pytest.approx(len(IDENTITIES) / 8, rel=0.1)


@pytest.mark.parametrize("demand", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("ceiling", [0.01, 0.1, 0.5])
def test_in_the_long_run_the_escalated_share_stays_at_the_ceiling(
    demand: float, ceiling: float
) -> None:
    chance, known, sent, items = random.Random(7), Demand(), 0, 200_000
    for start in range(0, items, 16):
        admitted = admitted_share(Ceiling(PRICE, share=ceiling), known, 1.0)
        hard = [n for n in range(start, start + 16) if chance.random() < demand]
        sent += sum(admits(POLICY, f"message {n}", admitted) for n in hard)
        known = observed(known, 16, len(hard), start / 16)
    # Chance alone moves a share of 1 % of 200,000 by 2 % of itself.
    assert sent / items <= min(ceiling, demand) * 1.06
    assert sent / items >= min(ceiling, demand) * 0.9


def test_dollars_are_spread_over_the_day_and_not_spent_by_noon() -> None:
    chance, known = random.Random(7), Demand()
    ceiling = Ceiling(PRICE, dollars_a_day=20.0)
    spent: Counter[int] = Counter()
    for second in range(int(DAY)):
        admitted = admitted_share(ceiling, known, 1.0)
        hard = sum(chance.random() < 0.1 for _ in range(4))
        sent = sum(admits(POLICY, f"message {second} {n}", admitted) for n in range(hard))
        spent[second // int(HOUR)] += sent
        known = observed(known, 4, hard, float(second))
    assert PRICE * sum(spent.values()) == pytest.approx(20.0, rel=0.06)
    for hour in range(24):
        assert PRICE * spent[hour] == pytest.approx(20.0 / 24, rel=0.4)


def test_processes_that_share_the_traffic_share_the_dollars() -> None:
    ceiling = Ceiling(PRICE, dollars_a_day=20.0)
    busy = after([(100, 10, 1.0)] * 1_000)
    whole, half = (admitted_share(ceiling, busy, part) for part in (1.0, 0.5))
    assert half == pytest.approx(whole / 2)


def test_a_demand_under_the_ceiling_is_admitted_in_full() -> None:
    calm = after([(100, 1, 60.0)] * 1_000)
    assert admitted_share(Ceiling(PRICE, share=0.02, dollars_a_day=100.0), calm, 1.0) == 1.0
