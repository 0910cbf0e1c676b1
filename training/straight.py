"""What the bundle step still takes from the straight path; it goes with that."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from router.confidence import probabilities
from router.engine import Engine
from schemas.bundle import Interval, Measure, Retention
from training.reliability import expected_calibration_error

WARM_UP: Final = 10
TIMED: Final = 500
BATCH: Final = 16
_RESAMPLES: Final = 2_000

Tokens = Sequence[Sequence[int]]


def logits_of(engine: Engine, tokens: Tokens) -> NDArray[np.float32]:
    """Return the logits of every message, in the order given."""
    logits = np.empty((len(tokens), engine.labels), dtype=np.float32)
    for indices in _sorted_batches(tokens):
        logits[indices] = engine.logits([tokens[index] for index in indices])
    return logits


def measure(
    engine: Engine,
    tokens: Tokens,
    logits: NDArray[np.float32],
    labels: Sequence[int],
    temperature: float,
) -> Measure:
    """Return how ``engine`` does; ``logits`` are its own for ``tokens``, from `logits_of`."""
    before = resident()
    fresh = Engine.load(engine.path, threads=1)
    guesses = logits.argmax(axis=1)
    timed = tokens[:TIMED]
    for message in timed[:WARM_UP]:
        fresh.logits([message])
    memory = max(resident() - before, 0)
    alone = np.array([_milliseconds(engine, [message]) for message in timed])
    batched = [
        _milliseconds(engine, [timed[index] for index in indices])
        for indices in _sorted_batches(timed)
    ]
    return Measure(
        accuracy=float((guesses == np.asarray(labels)).mean()),
        accuracy_interval=interval(guesses == np.asarray(labels)),
        macro_f1=float(f1_score(labels, guesses, average="macro")),
        latency_mean_ms=float(alone.mean()),
        latency_p50_ms=float(np.quantile(alone, 0.5)),
        latency_p95_ms=float(np.quantile(alone, 0.95)),
        messages_per_second=len(timed) / sum(batched) * 1000,
        size_mb=engine.path.stat().st_size / 1e6,
        memory_mb=memory / 1e6,
        ece_before=expected_calibration_error(probabilities(logits, 1.0), labels),
        ece_after=expected_calibration_error(probabilities(logits, temperature), labels),
    )


def interval(right: NDArray[np.bool_]) -> Interval:
    """Return the interval of an accuracy after Wilson."""
    found = binomtest(int(right.sum()), len(right)).proportion_ci(0.95, method="wilson")
    return Interval(low=float(found.low), high=float(found.high))


def retention(
    of: str, right: NDArray[np.bool_], against: str, other: NDArray[np.bool_]
) -> Retention:
    """Compare which messages two networks are right on; the interval is a paired bootstrap."""
    ours, theirs = int((right & ~other).sum()), int((other & ~right).sum())
    drawn = np.random.default_rng(0).integers(0, len(right), (_RESAMPLES, len(right)))
    shares = right[drawn].mean(axis=1) / np.maximum(other[drawn].mean(axis=1), 1 / len(right))
    low, high = np.quantile(shares, (0.025, 0.975)).tolist()
    return Retention(
        of=of,
        against=against,
        share=float(right.mean() / max(other.mean(), 1 / len(right))),
        interval=Interval(low=low, high=high),
        only_of_right=ours,
        only_against_right=theirs,
        p_value=float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0,
    )


def resident() -> int:
    """Return the bytes of memory this process holds, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _sorted_batches(tokens: Tokens) -> Iterator[list[int]]:
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _milliseconds(engine: Engine, batch: Tokens) -> float:
    started = time.perf_counter()
    engine.logits(batch)
    return (time.perf_counter() - started) * 1000


def threshold(
    confidences: Sequence[float],
    complexities: Sequence[float],
    *,
    target: float,
    audit_rate: float,
    complexity_threshold: float,
) -> float:
    """Return the highest confidence that leaves the share ``target`` of messages at the edge."""
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
    return math.floor(simple[needed - 1] * 10_000) / 10_000
