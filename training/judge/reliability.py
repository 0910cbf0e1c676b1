"""How far a network's confidence can be trusted, and a temperature that makes it more so."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.confidence import probabilities
from schemas.record import Record

BINS: Final = 15
_DRAWS: Final = 10_000

Floats = NDArray[np.float64]


class Bin(Record):
    """The messages with a confidence from ``low`` on and under ``high``; the last bin holds 1 too.

    ``confidence`` is their mean confidence and ``accuracy`` the share that is right; both are None
    where there are none.
    """

    low: float
    high: float
    messages: int
    confidence: float | None
    accuracy: float | None


class Reliability(Record):
    """A network's expected calibration error: how far confidence is from accuracy in its bins, by
    their messages.

    A perfectly calibrated network with the same confidences would show an error too, from the
    finite number of messages alone: ``by_chance`` on average, and in one draw of twenty more than
    ``by_chance_at_most``. An error below that says nothing against the calibration.
    """

    error: float
    by_chance: float
    by_chance_at_most: float
    bins: tuple[Bin, ...]


def temperature(logits: NDArray[np.floating], labels: Sequence[int]) -> float:
    """Return the temperature under which ``labels`` are most probable, between 0.1 and 10."""
    own = np.arange(len(labels)), np.asarray(labels)

    def surprise(log_temperature: float) -> float:
        shares = probabilities(logits, math.exp(log_temperature))[own]
        return float(-np.log(np.maximum(shares, np.finfo(np.float64).tiny)).mean())

    return round(math.exp(_lowest(surprise, math.log(0.1), math.log(10.0))), 4)


def reliability(shares: Floats, labels: Sequence[int], seed: int) -> Reliability:
    """Return the calibration of ``shares`` [messages, labels], over bins of equal width."""
    confidences = shares.max(axis=1)
    right = shares.argmax(axis=1) == np.asarray(labels)
    members = _members(confidences)
    errors = _by_chance(members, confidences, seed)
    return Reliability(
        error=_error(members, confidences, right),
        by_chance=float(errors.mean()),
        by_chance_at_most=float(np.quantile(errors, 0.95)),
        bins=tuple(
            _bin(number, confidences[members[:, number]], right[members[:, number]])
            for number in range(BINS)
        ),
    )


def _members(confidences: Floats) -> NDArray[np.bool_]:
    """Return which bin each message is in: [messages, bins]."""
    numbers = np.minimum((confidences * BINS).astype(int), BINS - 1)
    return np.asarray(numbers[:, None] == np.arange(BINS), dtype=np.bool_)


def _error(members: NDArray[np.bool_], confidences: Floats, right: NDArray[np.bool_]) -> float:
    return float(abs((right - confidences) @ members).sum()) / len(confidences)


def _by_chance(members: NDArray[np.bool_], confidences: Floats, seed: int) -> Floats:
    """Return the errors of draws in which each message is right with its own confidence.

    A bin's messages are drawn with their mean confidence: its width makes that much the same.
    """
    counts = members.sum(axis=0)
    means = np.minimum(confidences @ members / np.maximum(counts, 1), 1.0)
    drawn = np.random.default_rng(seed).binomial(counts, means, size=(_DRAWS, BINS))
    return np.asarray(abs(drawn - counts * means).sum(axis=1) / len(confidences))


def _bin(number: int, confidences: Floats, right: NDArray[np.bool_]) -> Bin:
    some = len(confidences) > 0
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        messages=len(confidences),
        confidence=float(confidences.mean()) if some else None,
        accuracy=float(right.mean()) if some else None,
    )


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
