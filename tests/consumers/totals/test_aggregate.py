"""The monitor's arithmetic."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.totals.aggregate import (
    BOUNDS_MS,
    LIVE,
    Totals,
    add,
    aggregate,
    bucket_of,
    merge,
    quantile_ms,
)
from schemas.decision import Answered, Routed
from tests.consumers.decisions import MOMENT, answered, decision_lists, routed, verdict

Decisions = list[Routed | Answered]


def live(*decisions: Routed | Answered) -> Totals:
    return aggregate(decisions)[LIVE]


@given(decision_lists, decision_lists)
def test_totals_do_not_depend_on_where_batches_are_cut(one: Decisions, other: Decisions) -> None:
    assert aggregate(one + other) == merge(aggregate(one), aggregate(other))


@given(decision_lists, st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_order(decisions: Decisions, chance: random.Random) -> None:
    shuffled = list(decisions)
    chance.shuffle(shuffled)
    assert aggregate(shuffled) == aggregate(decisions)


@given(decision_lists)
def test_every_record_counts_in_one_scope(decisions: Decisions) -> None:
    totals = aggregate(decisions).values()
    records = sum(sum(each.group("route").values()) + each.count("answered") for each in totals)
    assert records == len(decisions)


def test_nothing_adds_no_scope() -> None:
    assert aggregate([]) == {}


def test_adding_nothing_changes_nothing() -> None:
    totals = live(routed(), answered())
    assert add(totals, Totals()) == totals == add(Totals(), totals)


def test_a_run_named_live_is_not_live_traffic() -> None:
    assert set(aggregate([routed(), routed(run_id="live")])) == {None, "live"}


def test_routed_records_count_by_route_reason_and_label() -> None:
    totals = live(
        routed(),
        routed(route="cloud", reason="high_complexity", verdict=verdict(label="negative")),
        routed(route="skipped", reason="role_not_scored", verdict=None, price=0.0),
    )
    assert totals.group("route") == {"cloud": 1, "edge": 1, "skipped": 1}
    assert totals.group("reason") == {"high_complexity": 1, "optimal_edge": 1, "role_not_scored": 1}
    assert totals.labels == {"negative": 1, "neutral": 1}


def test_only_records_with_a_verdict_are_scored_and_timed() -> None:
    totals = live(routed(), routed(route="dead_letter", reason="invalid_record", verdict=None))
    assert totals.count("scored") == 1
    assert sum(totals.histogram("processing").values()) == 1


def test_audited_records_count_by_route() -> None:
    totals = live(routed(route="cloud", reason="random_cloud"), routed(route="cloud"))
    assert totals.group("audited") == {"cloud": 1}


def test_costs_are_exact_in_nano_dollars() -> None:
    totals = live(*[routed(price=0.001)] * 10, *[answered(price=0.0136)] * 3)
    assert (totals.count("edge_nanos"), totals.count("cloud_nanos")) == (10_000_000, 40_800_000)


def test_what_a_replay_did_not_send_is_counted_and_charged_for_the_cloud() -> None:
    totals = live(routed(route="cloud", unsent_price=0.0136), routed(route="cloud"))
    assert (totals.count("unsent"), totals.count("cloud_nanos")) == (1, 13_600_000)


def test_an_absurd_price_counts_as_the_largest() -> None:
    assert live(routed(price=1e300)).count("edge_nanos") == 10**12


def test_scores_are_summed_in_millionths() -> None:
    totals = live(*[routed(verdict=verdict(complexity=0.1, confidence=0.7))] * 3)
    assert totals.count("complexity_micros") == 300_000
    assert totals.count("confidence_micros") == 2_100_000


def test_agreement_counts_answers_with_the_edges_label() -> None:
    totals = live(answered(), answered(label="negative"))
    assert (totals.count("answered"), totals.count("agreed")) == (2, 1)


def test_a_cloud_error_is_neither_agreement_nor_a_label_nor_an_inference() -> None:
    totals = live(answered(reason="cloud_error"))
    assert (totals.count("answered_error"), totals.count("agreed")) == (1, 0)
    assert totals.cloud_labels == {}
    assert totals.histogram("cloud_inference") == {}


def test_first_and_last_span_both_kinds_of_record() -> None:
    totals = live(routed(), answered(answered_at=MOMENT + timedelta(seconds=2)))
    assert totals.first_ms is not None
    assert totals.last_ms == totals.first_ms + 2_000


@given(st.floats(0.1, 99_999))
def test_a_bucket_tells_a_latency_within_six_percent(ms: float) -> None:
    told = quantile_ms({bucket_of(ms): 1}, 0.5)
    assert told == pytest.approx(ms, rel=0.06)


@given(st.floats(0, 1e9))
def test_a_latency_lies_in_its_bucket(ms: float) -> None:
    bounds = (0.0, *BOUNDS_MS, float("inf"))
    assert bounds[bucket_of(ms)] <= ms < bounds[bucket_of(ms) + 1]


@given(st.lists(st.floats(0.1, 99_999), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_that_of_the_latencies(latencies: list[float], share: float) -> None:
    histogram: dict[int, int] = {}
    for ms in latencies:
        histogram[bucket_of(ms)] = histogram.get(bucket_of(ms), 0) + 1
    ranked = sorted(latencies)
    exact = next(ms for rank, ms in enumerate(ranked, 1) if rank >= share * len(ranked))
    assert quantile_ms(histogram, share) == pytest.approx(exact, rel=0.06)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile_ms({}, 0.5) is None


@pytest.mark.parametrize(("ms", "told"), [(0.0, 0.1), (1e7, 100_000.0)])
def test_a_latency_outside_the_buckets_is_told_as_the_bound(ms: float, told: float) -> None:
    assert quantile_ms({bucket_of(ms): 1}, 0.5) == told


def test_a_tier_counts_the_answers_that_stand() -> None:
    totals = live(
        routed(verdict=verdict(tier="reflex")),
        routed(verdict=verdict(tier="reflex")),
        routed(reason="cloud_error"),
        routed(route="cloud", reason="low_confidence"),
        answered(),
        routed(route="cloud", reason="random_cloud", verdict=verdict(tier="reflex")),
        answered(reason="cloud_error", tier="reflex"),
        routed(route="skipped", reason="empty_text", verdict=None),
    )
    assert totals.tiers == {"reflex": 3, "student": 1, "teacher": 1}


def test_what_a_replay_does_not_send_is_no_tier_s() -> None:
    unsent = routed(route="cloud", reason="low_confidence", unsent_price=0.0136)
    assert live(unsent).tiers == {}
