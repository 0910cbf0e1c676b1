"""Prices and statistics, counted honestly."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.economics import (
    Prices,
    RoutingTotals,
    cloud_only_cost,
    cloud_utilisation,
    cost,
    cost_per_query,
    edge_utilisation,
    edge_utilisation_without_audit,
    monthly_saving,
    priced,
    saving,
    saving_at,
    saving_share,
)

PRICES = Prices()
counts = st.integers(0, 10**9)
prices = st.builds(Prices, edge=st.floats(0, 10), cloud=st.floats(1e-6, 10))


@st.composite
def totals(draw: st.DrawFn) -> RoutingTotals:
    """Totals that could be observed."""
    edge, cloud = draw(counts), draw(counts)
    unpaid = draw(st.integers(0, cloud))
    return replace(
        priced(edge, cloud, PRICES, unpaid=unpaid),
        audited=draw(st.integers(0, cloud)),
        observed_seconds=draw(st.floats(0, 1e8)),
        skipped=draw(counts),
        dead_letters=draw(counts),
    )


def test_the_reference_s_split_saves_87_and_a_half_per_cent() -> None:
    assert saving_at(0.949, PRICES) == pytest.approx(0.875, abs=0.0005)


def test_no_split_saves_more_than_92_6_per_cent() -> None:
    assert saving_at(1.0, PRICES) == pytest.approx(0.926, abs=0.0005)


@given(st.floats(0, 1))
def test_every_split_saves_less_than_everything_at_the_edge(edge_share: float) -> None:
    assert saving_at(edge_share, PRICES) <= saving_at(1.0, PRICES)


@given(counts, counts)
def test_counts_and_the_formula_agree(edge: int, cloud: int) -> None:
    found = saving_share(priced(edge, cloud, PRICES), PRICES)
    if edge + cloud == 0:
        assert found is None
    else:
        assert found == pytest.approx(saving_at(edge / (edge + cloud), PRICES), abs=1e-9)


@given(totals())
def test_the_two_utilisations_add_up_to_1(found: RoutingTotals) -> None:
    edge, cloud = edge_utilisation(found), cloud_utilisation(found)
    if edge is None or cloud is None:
        assert found.scored == 0
    else:
        assert edge + cloud == pytest.approx(1)


@given(totals())
def test_leaving_out_the_audit_never_lowers_the_utilisation(found: RoutingTotals) -> None:
    plain, without = edge_utilisation(found), edge_utilisation_without_audit(found)
    if plain is not None and without is not None:
        assert plain <= without <= 1


def test_without_the_audit_the_utilisation_is_what_the_edge_would_have_kept() -> None:
    found = RoutingTotals(edge=90, cloud=10, audited=5)
    assert edge_utilisation(found) == 0.90
    assert edge_utilisation_without_audit(found) == 0.95


def test_an_escalated_item_pays_for_the_edge_and_the_cloud() -> None:
    assert cost(priced(0, 1, PRICES)) == pytest.approx(0.0146)


def test_an_item_that_never_reached_a_cloud_model_pays_for_the_edge_only() -> None:
    assert cost(priced(0, 1, PRICES, unpaid=1)) == pytest.approx(0.001)


def test_cloud_only_prices_every_scored_item_at_the_cloud_s_price_alone() -> None:
    assert cloud_only_cost(RoutingTotals(edge=3, cloud=1), PRICES) == pytest.approx(4 * 0.0136)


def test_routing_that_escalates_everything_saves_less_than_nothing() -> None:
    assert saving(priced(0, 10, PRICES), PRICES) == pytest.approx(-0.01)


@given(totals(), prices)
def test_cost_and_saving_add_up_to_cloud_only(found: RoutingTotals, asked: Prices) -> None:
    whole = cost(found) + saving(found, asked)
    assert whole == pytest.approx(cloud_only_cost(found, asked), rel=1e-6, abs=1e-3)


@given(totals(), counts, counts)
def test_skipped_items_and_dead_letters_are_in_no_figure(
    found: RoutingTotals, skipped: int, dead_letters: int
) -> None:
    other = replace(found, skipped=skipped, dead_letters=dead_letters)
    for figure in (
        cost,
        cost_per_query,
        edge_utilisation,
        cloud_utilisation,
        edge_utilisation_without_audit,
    ):
        assert figure(other) == figure(found)
    assert saving_share(other, PRICES) == saving_share(found, PRICES)
    assert monthly_saving(other, PRICES) == monthly_saving(found, PRICES)


def test_records_count_everything() -> None:
    assert RoutingTotals(edge=1, cloud=2, skipped=3, dead_letters=4).records == 10


def test_nothing_observed_has_no_shares() -> None:
    nothing = RoutingTotals(skipped=5, dead_letters=5)
    assert edge_utilisation(nothing) is None
    assert edge_utilisation_without_audit(nothing) is None
    assert cost_per_query(nothing) is None
    assert saving_share(nothing, PRICES) is None


def test_a_free_cloud_has_no_share_to_save() -> None:
    assert saving_share(priced(9, 1, PRICES), Prices(cloud=0.0)) is None


def test_the_monthly_saving_is_30_days_like_the_observed_ones() -> None:
    found = replace(priced(1000, 0, PRICES), observed_seconds=2 * 86_400)
    assert monthly_saving(found, PRICES) == pytest.approx(30 * 12.6 / 2)


@pytest.mark.parametrize("seconds", [0.0, 3599.9])
def test_under_an_hour_of_data_there_is_no_monthly_saving(seconds: float) -> None:
    found = replace(priced(1000, 0, PRICES), observed_seconds=seconds)
    assert monthly_saving(found, PRICES) is None


def test_from_an_hour_of_data_there_is_a_monthly_saving() -> None:
    found = replace(priced(1000, 0, PRICES), observed_seconds=3600)
    assert monthly_saving(found, PRICES) == pytest.approx(30 * 24 * 12.6)
