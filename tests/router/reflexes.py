"""Reflex tiers with random weights, for tests."""

from pathlib import Path

import numpy as np

from router.reflex import LARGEST, Reflex, Weights, write


def random_weights(labels: int = 3, pieces: int = 50, buckets: int = 64, seed: int = 1) -> Weights:
    """Return weights of a tier that has learned nothing."""
    chance = np.random.default_rng(seed)
    table = chance.integers(-LARGEST, LARGEST + 1, (pieces + buckets, labels)).astype(np.int8)
    return Weights(
        table=table,
        scale=chance.uniform(0.001, 0.1, labels).astype(np.float32),
        bias=chance.normal(size=labels).astype(np.float32),
        pieces=pieces,
    )


def random_reflex(path: Path, labels: int = 3, pieces: int = 50) -> Reflex:
    """Write such a tier to ``path`` and return it loaded."""
    write(path, random_weights(labels, pieces))
    return Reflex.load(path)
