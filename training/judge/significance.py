"""How sure a measured accuracy is, and a difference between two on the same messages."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from schemas.bundle import Interval, Retention

RESAMPLES: Final = 10_000

Bools = NDArray[np.bool_]


def interval(right: Bools) -> Interval:
    """Return the 95 % interval of an accuracy, after Wilson; ``right`` holds at least one."""
    found = binomtest(int(right.sum()), len(right)).proportion_ci(0.95, method="wilson")
    return Interval(low=float(found.low), high=float(found.high))


def retention(of: str, right: Bools, against: str, other: Bools, seed: int = 0) -> Retention:
    """Compare on which messages each of two is right.

    The interval is the bootstrap's over messages; the p-value McNemar's exact one. Where the other
    is right on none, it counts as right on one.
    """
    both = int((right & other).sum())
    ours, theirs = int((right & ~other).sum()), int((other & ~right).sum())
    # Drawing messages again draws these four counts again; nothing else of a message matters.
    counts = np.array([both, ours, theirs, len(right) - both - ours - theirs])
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(len(right), counts / len(right), size=RESAMPLES)
    low, high = np.quantile(_shares(drawn), (0.025, 0.975)).tolist()
    return Retention(
        of=of,
        against=against,
        share=float(_shares(counts[None])[0]),
        interval=Interval(low=low, high=high),
        only_of_right=ours,
        only_against_right=theirs,
        p_value=float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0,
    )


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    of, against = counts[:, 0] + counts[:, 1], counts[:, 0] + counts[:, 2]
    return np.asarray(of / np.maximum(against, 1), dtype=np.float64)
