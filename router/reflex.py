"""The reflex tier: a linear model over hashed n-grams of word pieces, in plain NumPy.

Its weights are whole numbers, so the sum over a message's n-grams is exact whatever the order and
the batch; what follows is arithmetic on the message's own sums, number by number. So a message has
the same logits, to the bit, alone and in any batch.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from router.engine import EngineError

VERSION: Final = 1
LARGEST: Final = 127
"""Of a weight, either sign."""
MOST_LABELS: Final = 1_000

# Odd multipliers of splitmix64 (Steele, Lea and Flood, 2014): they spread neighbours far apart.
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_HALF: Final = np.uint64(32)
_KINDS: Final = {"bias": "<f4", "pieces": "<i8", "scale": "<f4", "table": "|i1", "version": "<i8"}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first time a zip file can state: the same weights give the same file at any time."""


@dataclass(frozen=True)
class Weights:
    """What the tier has learned, for ``pieces`` word pieces and a power of two of buckets.

    ``table`` is int8 [pieces + buckets, labels]; a label's logit is its ``bias`` plus its ``scale``
    times the sum of its column over the message's n-grams, over the root of the number of pieces.
    """

    table: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    pieces: int

    @property
    def buckets(self) -> int:
        """How many rows pairs and triples of pieces share."""
        return len(self.table) - self.pieces


def write(path: Path, weights: Weights) -> None:
    """Write a file that `Reflex.load` reads; equal weights give equal bytes."""
    arrays = {field.name: np.asarray(getattr(weights, field.name)) for field in fields(Weights)}
    arrays["version"] = np.asarray(VERSION)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)


def n_grams(
    ids: NDArray[np.int64], lengths: NDArray[np.int64], pieces: int, buckets: int
) -> NDArray[np.int64]:
    """Return the rows of the table that each piece of a batch adds up: [pieces in all, 3].

    ``ids`` are the messages' pieces one after the other. The rows of a piece are its own, that of
    the pair it opens and that of the triple; beyond a message's end is the piece ``pieces``.
    """
    ends = lengths.cumsum() - 1
    second = _following(ids, ends, pieces)
    third = _following(second, ends, pieces)
    rows = np.empty((len(ids), 3), dtype=np.int64)
    rows[:, 0] = ids
    pair = _mixed(ids.astype(np.uint64), second.astype(np.uint64))
    rows[:, 1] = pieces + _bucket(pair, buckets)
    rows[:, 2] = pieces + _bucket(_mixed(pair, third.astype(np.uint64)), buckets)
    return rows


def _following(ids: NDArray[np.int64], ends: NDArray[np.int64], beyond: int) -> NDArray[np.int64]:
    moved = np.roll(ids, -1)
    if len(moved):
        moved[ends] = beyond
    return moved


def _mixed(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = first * _MIX[0] + second + np.uint64(1)
    mixed ^= mixed >> _HALF
    return mixed * _MIX[1]


def _bucket(hashes: NDArray[np.uint64], buckets: int) -> NDArray[np.int64]:
    return (hashes >> np.uint64(65 - buckets.bit_length())).astype(np.int64)


@dataclass(frozen=True)
class Reflex:
    """A loaded reflex tier, with the face of `router.engine.Engine`. Threads can share it."""

    path: Path
    weights: Weights

    @property
    def labels(self) -> int:
        """How many labels a message can have."""
        return int(self.weights.table.shape[1])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the tier in ``path``, or raise `EngineError`."""
        try:
            # Opened here, because NumPy leaves a file open that it finds broken.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except Exception as error:  # a missing file, a broken zip and a broken array differ
            raise EngineError(
                f"{path} cannot be read as a reflex tier ({type(error).__name__}); "
                "get a fresh copy of its bundle or train it again"
            ) from error
        if not _is_sound(arrays):
            raise EngineError(f"{path} holds arrays, but not those of a reflex tier")
        return cls(
            path,
            Weights(arrays["table"], arrays["scale"], arrays["bias"], int(arrays["pieces"])),
        )

    def logits(
        self, batch: Sequence[Sequence[int]], pad_to: int | None = None
    ) -> NDArray[np.float32]:
        """Return one row of logits for each sequence of token ids, or raise `EngineError`.

        Nothing is padded here: ``pad_to`` is for the face alone.
        """
        weights = self.weights
        lengths = np.fromiter(map(len, batch), dtype=np.int64, count=len(batch))
        total = int(lengths.sum())
        try:
            ids = np.fromiter(chain.from_iterable(batch), dtype=np.int64, count=total)
        except (TypeError, ValueError, OverflowError) as error:
            raise EngineError(f"{self.path} was given something that is not a token id") from error
        if total and not 0 <= ids.min() <= ids.max() < weights.pieces:
            raise EngineError(f"{self.path} was given a token id beyond its {weights.pieces}")
        rows = n_grams(ids, lengths, weights.pieces, weights.buckets)
        sums = _sums(weights.table, rows, lengths)
        return self._scaled(sums, lengths)

    def _scaled(self, sums: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        share = 1 / np.sqrt(np.maximum(lengths, 1).astype(np.float64))
        scale = self.weights.scale.astype(np.float64)
        logits = sums * share[:, None] * scale + self.weights.bias.astype(np.float64)
        return np.asarray(logits, dtype=np.float32)


def _sums(
    table: NDArray[np.int8], rows: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the sum of each message's rows; a message without pieces has zeros."""
    labels = table.shape[1]
    sums = np.zeros((len(lengths), labels), dtype=np.int64)
    some = lengths > 0
    if some.any():
        starts = (lengths.cumsum() - lengths)[some]
        taken = table[rows].sum(axis=1, dtype=np.int32)
        sums[some] = np.add.reduceat(taken, starts, axis=0)
    return sums


def _is_sound(arrays: dict[str, NDArray[np.generic]]) -> bool:
    shapes = {name: array.shape for name, array in arrays.items()}
    kinds = {name: array.dtype.str for name, array in arrays.items()}
    if kinds != _KINDS or len(shapes["table"]) != 2 or shapes["version"] or shapes["pieces"]:
        return False
    (rows, labels), pieces = shapes["table"], int(arrays["pieces"])
    buckets = rows - pieces
    return (
        int(arrays["version"]) == VERSION
        and shapes["scale"] == shapes["bias"] == (labels,)
        and 2 <= labels <= MOST_LABELS
        and 1 <= pieces <= rows
        and buckets >= 2
        and buckets & (buckets - 1) == 0
        and all(bool(np.isfinite(arrays[name]).all()) for name in ("scale", "bias"))
    )
