"""Temperature and calibration error on synthetic scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.confidence import probabilities
from training.judge.reliability import BINS, reliability, temperature

CHANCE = np.random.default_rng(3)
HONEST = CHANCE.normal(0, 1.5, (20_000, 3))
LABELS = [int(CHANCE.choice(3, p=row)) for row in probabilities(HONEST, 1.0)]


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    assert temperature(HONEST * 2.5, LABELS) == pytest.approx(2.5, rel=0.05)


def test_the_temperature_lowers_the_calibration_error() -> None:
    loud = HONEST * 2.5
    divisors = (1.0, temperature(loud, LABELS))
    before, after = (
        reliability(probabilities(loud, divisor), LABELS, seed=1).error for divisor in divisors
    )
    assert after < 0.02 < before


def test_the_calibration_error_of_certain_and_wrong_is_one() -> None:
    assert reliability(np.array([[1.0, 0.0]] * 4), [1] * 4, seed=1).error == 1.0


def test_a_calibrated_model_shows_an_error_by_chance() -> None:
    few = slice(0, 700)
    found = reliability(probabilities(HONEST[few], 1.0), LABELS[few], seed=1)
    assert 0.02 < found.by_chance < found.by_chance_at_most < 0.06
    assert found.error < found.by_chance_at_most


def test_more_messages_leave_less_to_chance() -> None:
    few, many = (
        reliability(probabilities(HONEST[:count], 1.0), LABELS[:count], seed=1)
        for count in (200, 20_000)
    )
    assert many.by_chance < few.by_chance / 5


def test_the_same_seed_gives_the_same_chance() -> None:
    shares = probabilities(HONEST[:100], 1.0)
    assert reliability(shares, LABELS[:100], seed=1) == reliability(shares, LABELS[:100], seed=1)


@given(st.integers(1, 300), st.integers(2, 80), st.integers(0, 2**32))
def test_the_bins_add_up_to_the_error(messages: int, labels: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    shares = probabilities(chance.normal(0, 3, (messages, labels)), 1.0)
    truth = chance.integers(0, labels, messages).tolist()
    found = reliability(shares, truth, seed=0)
    gaps = [
        abs(part.confidence - part.accuracy) * part.messages
        for part in found.bins
        if part.confidence is not None and part.accuracy is not None
    ]
    assert sum(part.messages for part in found.bins) == messages
    assert len(found.bins) == BINS
    assert found.error == pytest.approx(sum(gaps) / messages)
