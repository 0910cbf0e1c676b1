"""Temperature and threshold on synthetic scores."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from router.confidence import probabilities
from training.calibrate import expected_calibration_error, temperature, threshold

CHANCE = np.random.default_rng(3)
CONFIDENCES = CHANCE.uniform(0.3, 1.0, 20_000)
COMPLEXITIES = CHANCE.uniform(0.0, 0.76, 20_000)


def _share_at_edge(limit: float, audit_rate: float) -> float:
    kept = (limit <= CONFIDENCES) & (COMPLEXITIES <= 0.75)
    return float(kept.mean()) * (1 - audit_rate)


def _threshold(target: float, audit_rate: float) -> float:
    return threshold(
        CONFIDENCES.tolist(),
        COMPLEXITIES.tolist(),
        target=target,
        audit_rate=audit_rate,
        complexity_threshold=0.75,
    )


@pytest.mark.parametrize(("target", "audit_rate"), [(0.949, 0.01), (0.8, 0.05), (0.5, 0.0)])
def test_the_threshold_reaches_its_target(target: float, audit_rate: float) -> None:
    share = _share_at_edge(_threshold(target, audit_rate), audit_rate)
    assert target <= share < target + 0.001


def test_a_target_that_complexity_forbids_keeps_all_it_can() -> None:
    assert _threshold(0.999, 0.05) == 0.0


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    honest = CHANCE.normal(0, 1.5, (20_000, 3))
    shares = probabilities(honest, 1.0)
    labels = [int(CHANCE.choice(3, p=row)) for row in shares]
    assert temperature(honest * 2.5, labels) == pytest.approx(2.5, rel=0.05)


def test_the_temperature_lowers_the_calibration_error() -> None:
    honest = CHANCE.normal(0, 1.5, (20_000, 3))
    labels = [int(CHANCE.choice(3, p=row)) for row in probabilities(honest, 1.0)]
    loud = honest * 2.5
    before = expected_calibration_error(probabilities(loud, 1.0), labels)
    after = expected_calibration_error(probabilities(loud, temperature(loud, labels)), labels)
    assert after < 0.02 < before


def test_the_calibration_error_of_certain_and_wrong_is_one() -> None:
    assert expected_calibration_error(np.array([[1.0, 0.0]] * 4), [1] * 4) == 1.0
