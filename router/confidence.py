"""From logits to a label and how sure the model is of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def probabilities(logits: NDArray[np.floating], temperature: float) -> Floats:
    """Return the softmax of each row of ``logits / temperature``, in double precision.

    A row's result depends on that row alone, to the last bit.
    """
    if not temperature > 0:
        raise ValueError("the temperature must be greater than 0")
    # Contiguous rows, so that NumPy adds each one up in the same order whatever the batch.
    scaled = np.ascontiguousarray(logits, dtype=np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float64)


def predictions(
    logits: NDArray[np.floating], temperature: float, labels: Sequence[str]
) -> list[tuple[str, float]]:
    """Return each row's most probable label and its probability; of equals the first."""
    if logits.shape[0] == 0:
        return []
    shares = probabilities(logits, temperature)
    winners = shares.argmax(axis=1).tolist()
    return [
        (labels[winner], float(row[winner])) for winner, row in zip(winners, shares, strict=True)
    ]
