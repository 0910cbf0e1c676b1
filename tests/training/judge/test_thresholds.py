"""The choice of thresholds, on made-up tiers."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.config import Aim
from training.judge.scores import Bools, Floats, Scores
from training.judge.thresholds import Candidates, candidates, choose, curve, point

LABELS = 3


def _scores(chance: np.random.Generator, messages: int, skill: float) -> tuple[Scores, Floats]:
    """A calibrated tier: of the label 0, which is always the true one, it is sure by ``skill``."""
    logits = chance.normal(0, 1, (messages, LABELS))
    logits[:, 0] += skill
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    guesses, confidences = shares.argmax(axis=1), shares.max(axis=1)
    simple = chance.random(messages) < 0.98
    keen = np.where(simple, confidences, -1.0)
    return Scores(guesses, guesses == 0, confidences, keen), shares


def _found(
    tiers: int = 2, messages: int = 400, audit_rate: float = 0.01, seed: int = 0
) -> tuple[Candidates, list[Scores]]:
    chance = np.random.default_rng(seed)
    edge = [_scores(chance, messages, 1.0 + number)[0] for number in range(tiers)]
    cloud, shares = _scores(chance, messages, 2.0 + tiers)
    return candidates(edge, cloud, shares, audit_rate), [*edge, cloud]


def _kept(tiers: list[Scores], thresholds: Floats) -> list[Bools]:
    """What each edge tier keeps, the plain way."""
    still = np.ones(len(tiers[0].keen), dtype=np.bool_)
    kept = []
    for tier, threshold in zip(tiers, thresholds, strict=False):
        kept.append(still & (tier.keen >= threshold))
        still = still & ~kept[-1]
    return kept


@pytest.mark.parametrize("tiers", [1, 2, 3, 4])
def test_candidates_say_what_a_walk_through_the_tiers_gives(tiers: int) -> None:
    found, scores = _found(tiers)
    cloud = scores[-1]
    for number in np.random.default_rng(1).integers(0, len(found.thresholds), 200):
        kept = _kept(scores, found.thresholds[number])
        gained = sum(
            int((mine & tier.right & ~cloud.right).sum())
            for mine, tier in zip(kept, scores, strict=False)
        )
        lost = sum(
            int((mine & ~tier.right & cloud.right).sum())
            for mine, tier in zip(kept, scores, strict=False)
        )
        assert found.kept[number].tolist() == [int(mine.sum()) for mine in kept]
        assert (found.gained[number], found.lost[number]) == (gained, lost)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3), st.integers(20, 300), st.floats(0, 1), st.floats(0, 0.2), st.integers(0, 99)
)
def test_a_choice_meets_its_share_or_comes_nearest(
    tiers: int, messages: int, share: float, audit_rate: float, seed: int
) -> None:
    found, _ = _found(tiers, messages, audit_rate, seed)
    choice = choose(found, Aim("edge_share", share), 0.01)
    reached = found.edge_share[choice.number]
    assert choice.met == (reached >= share)
    assert choice.met or reached == found.edge_share.max()


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 2), st.integers(50, 200), st.floats(0, 0.1), st.integers(0, 99))
def test_a_choice_loses_at_most_what_it_may(
    tiers: int, messages: int, loss: float, seed: int
) -> None:
    found, _ = _found(tiers, messages, 0.01, seed)
    choice = choose(found, Aim("largest_loss", loss), 0.01)
    assert choice.met == (found.loss[choice.number] <= loss)


@given(st.integers(0, 99), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_keeps_more(seed: int, one: float, other: float) -> None:
    tier, _ = _scores(np.random.default_rng(seed), 50, 1.0)
    low, high = sorted((one, other))
    assert not ((tier.keen >= high) & ~(tier.keen >= low)).any()


@pytest.mark.parametrize("tiers", [1, 2, 3])
def test_a_higher_threshold_of_the_last_tier_never_keeps_more_in_all(tiers: int) -> None:
    found, _ = _found(tiers)
    totals = found.kept.sum(axis=1)
    assert (np.diff(totals)[~found.first[1:]] >= 0).all()


def test_with_more_tolerance_the_first_tier_keeps_more() -> None:
    found, _ = _found(2, 2_000)
    strict, easy = (
        choose(found, Aim("edge_share", 0.9), tolerance).number for tolerance in (0.0, 0.02)
    )
    assert found.kept[strict, 0] < found.kept[easy, 0]


def test_a_first_tier_as_good_as_the_second_takes_nearly_all() -> None:
    chance = np.random.default_rng(5)
    tier, _ = _scores(chance, 1_000, 2.0)
    cloud, shares = _scores(chance, 1_000, 3.0)
    found = candidates([tier, replace(tier)], cloud, shares, 0.0)
    chosen = choose(found, Aim("edge_share", 0.9), 0.0).number
    assert found.kept[chosen, 0] > 0.98 * found.kept[chosen].sum()


def test_what_complexity_forbids_cannot_be_met() -> None:
    found, _ = _found(1, audit_rate=0.05)
    choice = choose(found, Aim("edge_share", 0.999), 0.01)
    assert not choice.met
    assert found.edge_share[choice.number] == found.edge_share.max() < 0.95


def test_where_the_last_tier_knows_nothing_the_cloud_gets_its_whole_share() -> None:
    chance = np.random.default_rng(3)
    (good, _), (bad, _) = _scores(chance, 2_000, 2.0), _scores(chance, 2_000, -2.0)
    cloud, shares = _scores(chance, 2_000, 3.0)
    found = candidates([good, bad], cloud, shares, 0.0)
    chosen = choose(found, Aim("edge_share", 0.6), 0.05).number
    assert 0.6 <= found.edge_share[chosen] < 0.61


def test_the_curve_rises_to_the_largest_share() -> None:
    found, _ = _found(2)
    points = curve(found, 0.01, ("reflex", "student"), "teacher")
    assert all(one.edge_share <= other.edge_share for one, other in pairwise(points))
    assert points[-1].edge_share == found.edge_share.max()
    assert len(points) <= 400


def test_a_point_costs_the_edge_for_all_and_the_cloud_for_its_share() -> None:
    found, _ = _found(2)
    number = choose(found, Aim("edge_share", 0.9), 0.01).number
    shown = point(found, number, ("reflex", "student"), "teacher")
    assert shown.cost == pytest.approx(0.001 + shown.tier_shares["teacher"] * 0.0136)
    assert sum(shown.tier_shares.values()) == pytest.approx(1.0)
    assert list(shown.thresholds) == ["reflex", "student"]
