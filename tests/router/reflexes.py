"""Reflex tiers with random weights, for tests."""

from pathlib import Path

import numpy as np

from router.reflex import HEAD_LIMIT, TABLE_LIMIT, Reflex, Weights, write


def random_weights(
    labels: int = 3, pieces: int = 50, window: int = 3, channels: int = 4, seed: int = 1
) -> Weights:
    """Return weights of a tier that has learned nothing."""
    chance = np.random.default_rng(seed)

    def whole(limit: int, *shape: int) -> np.ndarray:
        return chance.integers(-limit, limit + 1, shape)

    return Weights(
        table=whole(TABLE_LIMIT, pieces + 1, window, channels).astype(np.int8),
        bias=whole(200, channels).astype(np.int16),
        head=whole(HEAD_LIMIT, 2, channels, labels).astype(np.int16),
        scale=chance.uniform(1e-8, 1e-6, labels).astype(np.float32),
        offset=chance.normal(size=labels).astype(np.float32),
    )


def random_reflex(path: Path, labels: int = 3, pieces: int = 50) -> Reflex:
    """Write such a tier to ``path`` and return it loaded."""
    write(path, random_weights(labels, pieces))
    return Reflex.load(path)
