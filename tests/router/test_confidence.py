"""Confidence: properties that hold for any logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from router.confidence import predictions, probabilities

Logits = NDArray[np.float32]
LOGITS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=80),
    elements=st.floats(-60, 60, width=32),
)
TEMPERATURES = st.floats(0.05, 20)


@given(LOGITS, TEMPERATURES)
def test_each_row_sums_to_one(logits: Logits, temperature: float) -> None:
    assert np.allclose(probabilities(logits, temperature).sum(axis=1), 1, atol=1e-12)


@given(LOGITS, TEMPERATURES, st.integers(-1000, 1000))
def test_adding_the_same_to_every_logit_changes_nothing(
    logits: Logits, temperature: float, shift: int
) -> None:
    exact = logits.astype(np.float64)
    moved = probabilities(exact + shift, temperature)
    assert np.allclose(moved, probabilities(exact, temperature), atol=1e-9)


@given(LOGITS, TEMPERATURES)
def test_a_row_has_the_same_bits_alone_and_in_a_batch(logits: Logits, temperature: float) -> None:
    together = probabilities(logits, temperature)
    alone = np.concatenate([probabilities(row[None, :], temperature) for row in logits])
    assert together.tobytes() == alone.tobytes()


@given(LOGITS, TEMPERATURES)
def test_a_row_has_the_same_bits_whatever_the_memory_layout(
    logits: Logits, temperature: float
) -> None:
    turned = np.asfortranarray(logits)
    assert probabilities(turned, temperature).tobytes() == (
        probabilities(logits, temperature).tobytes()
    )


@given(LOGITS, TEMPERATURES)
def test_a_prediction_is_the_largest_probability(logits: Logits, temperature: float) -> None:
    labels = [str(number) for number in range(logits.shape[1])]
    shares = probabilities(logits, temperature)
    for (label, confidence), row in zip(
        predictions(logits, temperature, labels), shares, strict=True
    ):
        assert confidence == row[int(label)] == row.max() <= 1


def test_a_higher_temperature_is_less_sure() -> None:
    logits = np.array([[2.0, 0.0, -1.0]])
    assert predictions(logits, 2.0, "abc")[0][1] < predictions(logits, 1.0, "abc")[0][1]


def test_of_equal_probabilities_the_first_label_wins() -> None:
    assert predictions(np.zeros((1, 3)), 1.0, "abc")[0][0] == "a"


def test_no_rows_give_no_predictions() -> None:
    assert predictions(np.zeros((0, 3)), 1.0, "abc") == []


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        probabilities(np.zeros((1, 3)), temperature)
