"""What a network does on held-out messages: how right, how fast, how large."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from router.confidence import probabilities
from router.engine import Engine
from schemas.bundle import Measure
from training.calibrate import expected_calibration_error

WARM_UP: Final = 10
TIMED: Final = 500
BATCH: Final = 16

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
    guesses = logits.argmax(axis=1)
    timed = tokens[:TIMED]
    for message in timed[:WARM_UP]:
        engine.logits([message])
    alone = np.array([_milliseconds(engine, [message]) for message in timed])
    batched = [
        _milliseconds(engine, [timed[index] for index in indices])
        for indices in _sorted_batches(timed)
    ]
    return Measure(
        accuracy=float((guesses == np.asarray(labels)).mean()),
        macro_f1=float(f1_score(labels, guesses, average="macro")),
        latency_mean_ms=float(alone.mean()),
        latency_p95_ms=float(np.quantile(alone, 0.95)),
        messages_per_second=len(timed) / sum(batched) * 1000,
        size_mb=engine.path.stat().st_size / 1e6,
        ece_before=expected_calibration_error(probabilities(logits, 1.0), labels),
        ece_after=expected_calibration_error(probabilities(logits, temperature), labels),
    )


def _sorted_batches(tokens: Tokens) -> Iterator[list[int]]:
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _milliseconds(engine: Engine, batch: Tokens) -> float:
    started = time.perf_counter()
    engine.logits(batch)
    return (time.perf_counter() - started) * 1000
