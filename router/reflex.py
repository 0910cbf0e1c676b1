"""The reflex tier: one convolution over word pieces, in whole numbers and plain NumPy.

Each piece has a vector of whole numbers for each place in a window. A window's value is the sum of
its pieces' vectors and a bias, negative ones counted as 0; a message's is the largest and the sum
of its windows'. So all that depends on other pieces is exact, whatever the order and the batch,
and what follows is arithmetic on the message's own numbers, one by one: a message has the same
logits, to the bit, alone and in any batch.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from router.engine import EngineError

VERSION: Final = 1
TABLE_LIMIT: Final = 127
BIAS_LIMIT: Final = 10_000
HEAD_LIMIT: Final = 32_767
"""Of the whole numbers, either sign; with `_LONGEST` they keep every sum within its type."""
MOST_WINDOW: Final = 16
MOST_CHANNELS: Final = 1_024
MOST_LABELS: Final = 1_000
_LONGEST: Final = 100_000
"""Pieces in a message."""

_KINDS: Final = {
    "bias": "<i2", "head": "<i2", "offset": "<f4", "scale": "<f4", "table": "|i1", "version": "<i8"
}  # fmt: skip
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first time a zip file can state: the same weights give the same file at any time."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Weights:
    """What the tier has learned.

    ``table`` is int8 [pieces + 1, window, channels], its last row what stands beyond a message's
    end; ``bias`` int16 [channels]; ``head`` int16 [2, channels, labels], for the largest window and
    for the sum of all, which is divided by the root of the number of pieces. A label's logit is its
    ``offset`` plus its ``scale`` times what the head adds up (both float32 [labels]).
    """

    table: NDArray[np.int8]
    bias: NDArray[np.int16]
    head: NDArray[np.int16]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]

    @property
    def pieces(self) -> int:
        """How many word pieces it knows."""
        return len(self.table) - 1


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


@dataclass(frozen=True)
class Reflex:
    """A loaded reflex tier, with the face of `router.engine.Engine`. Threads can share it."""

    path: Path
    weights: Weights

    @property
    def labels(self) -> int:
        """How many labels a message can have."""
        return len(self.weights.scale)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the tier in ``path``, or raise `EngineError`."""
        try:
            # Opened here, because NumPy leaves a file open that it finds broken.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
        except Exception as error:  # a missing file, a broken zip and a broken array differ
            raise EngineError(
                f"{path} cannot be read as a reflex tier ({type(error).__name__}); "
                "get a fresh copy of its bundle or train it again"
            ) from error
        if not _is_sound(arrays):
            raise EngineError(f"{path} holds arrays, but not those of a reflex tier")
        del arrays["version"]
        return cls(path, Weights(**arrays))

    def logits(
        self, batch: Sequence[Sequence[int]], pad_to: int | None = None
    ) -> NDArray[np.float32]:
        """Return one row of logits for each sequence of token ids, or raise `EngineError`.

        A sequence without ids gets the offsets. Nothing is padded here: ``pad_to`` is for the face.
        """
        lengths = np.fromiter(map(len, batch), dtype=np.int64, count=len(batch))
        largest, total = _pooled(self.weights, self._ids(batch, lengths), lengths)
        head = self.weights.head.astype(np.int64)
        roots = np.sqrt(np.maximum(lengths, 1).astype(np.float64))
        sums = largest @ head[0] + (total @ head[1]) / roots[:, None]
        return np.asarray(sums * self.weights.scale + self.weights.offset, dtype=np.float32)

    def _ids(self, batch: Sequence[Sequence[int]], lengths: Whole) -> Whole:
        """Return all ids one after the other, each message followed by what stands beyond it."""
        if lengths.max(initial=0) > _LONGEST:
            raise EngineError(f"{self.path} was given a message of more than {_LONGEST} token ids")
        pieces, window = self.weights.pieces, self.weights.table.shape[1]
        beyond = [pieces] * (window - 1)
        parts = chain.from_iterable((message, beyond) for message in batch)
        count = int(lengths.sum()) + len(batch) * len(beyond)
        try:
            ids = np.fromiter(chain.from_iterable(parts), dtype=np.int64, count=count)
        except (TypeError, ValueError, OverflowError) as error:
            raise EngineError(f"{self.path} was given something that is not a token id") from error
        # As unsigned numbers, negative ids are large ones.
        if np.count_nonzero(ids.view(np.uint64) >= pieces) != len(batch) * len(beyond):
            raise EngineError(f"{self.path} was given a token id beyond its {pieces}")
        return ids


def _pooled(weights: Weights, ids: Whole, lengths: Whole) -> tuple[Whole, Whole]:
    """Return the largest and the sum of each message's windows: two of [messages, channels]."""
    window, channels = weights.table.shape[1:]
    largest = np.zeros((len(lengths), channels), dtype=np.int64)
    total = np.zeros_like(largest)
    some = lengths > 0
    if some.any():
        vectors = weights.table[ids]
        count = len(ids) - window + 1
        values = vectors[:count, 0] + weights.bias
        for place in range(1, window):
            values += vectors[place : place + count, place]
        np.maximum(values, 0, out=values)
        spans = _spans(lengths, window)[some].ravel()
        spans = spans[:-1] if spans[-1] == count else spans
        largest[some] = np.maximum.reduceat(values, spans, axis=0)[::2]
        total[some] = np.add.reduceat(values, spans, axis=0, dtype=np.int64)[::2]
    return largest, total


def _spans(lengths: Whole, window: int) -> Whole:
    """Return where each message's windows start and end: [messages, 2]."""
    ends = (lengths + (window - 1)).cumsum() - (window - 1)
    return np.stack([ends - lengths, ends], axis=1)


def _is_sound(arrays: dict[str, Any]) -> bool:
    if {name: array.dtype.str for name, array in arrays.items()} != _KINDS:
        return False
    table, labels = arrays["table"], arrays["scale"].size
    if table.ndim != 3 or arrays["version"].shape or arrays["version"] != VERSION:
        return False
    rows, window, channels = table.shape
    shapes = {
        "bias": (channels,), "head": (2, channels, labels), "scale": (labels,), "offset": (labels,)
    }  # fmt: skip
    return (
        all(arrays[name].shape == shape for name, shape in shapes.items())
        and rows >= 2
        and 1 <= window <= MOST_WINDOW
        and 1 <= channels <= MOST_CHANNELS
        and 2 <= labels <= MOST_LABELS
        and bool((np.abs(arrays["bias"].astype(np.int64)) <= BIAS_LIMIT).all())
        and all(bool(np.isfinite(arrays[name]).all()) for name in ("scale", "offset"))
    )
