"""How far a network's confidence can be trusted, and from where on its answer is kept."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.confidence import probabilities

_BINS: Final = 15
_GRAIN: Final = 10_000
"""Thresholds are rounded down to a ten-thousandth, which never keeps less than was asked for."""

Floats = NDArray[np.float64]


def temperature(logits: NDArray[np.floating], labels: Sequence[int]) -> float:
    """Return the temperature under which ``labels`` are most probable."""

    def surprise(log_temperature: float) -> float:
        shares = probabilities(logits, math.exp(log_temperature))
        own = shares[np.arange(len(labels)), list(labels)]
        return float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean())

    return round(math.exp(_lowest(surprise, math.log(0.1), math.log(10.0))), 4)


def expected_calibration_error(shares: Floats, labels: Sequence[int]) -> float:
    """Return the mean distance of confidence from accuracy over bins of equal width."""
    confidences = shares.max(axis=1)
    right = shares.argmax(axis=1) == np.asarray(labels)
    bins = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    distances = (
        abs(float(confidences[bins == number].sum()) - float(right[bins == number].sum()))
        for number in range(_BINS)
    )
    return sum(distances) / len(labels)


def threshold(
    confidences: Sequence[float],
    complexities: Sequence[float],
    *,
    target: float,
    audit_rate: float,
    complexity_threshold: float,
) -> float:
    """Return the highest confidence that leaves the share ``target`` of messages at the edge.

    A message stays when it is confident enough, not too complex, and not audited. Where too many
    are too complex for the target, nothing but 0 comes near it.
    """
    simple = sorted(
        (
            confidence
            for confidence, complexity in zip(confidences, complexities, strict=True)
            if complexity <= complexity_threshold
        ),
        reverse=True,
    )
    needed = math.ceil(target / (1 - audit_rate) * len(confidences))
    if needed > len(simple):
        return 0.0
    return math.floor(simple[needed - 1] * _GRAIN) / _GRAIN


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with a single valley is lowest, by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-6:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if function(left) < function(right):
            high = right
        else:
            low = left
    return (low + high) / 2
