"""One network in one ONNX Runtime session. The only module of the router that knows the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

_OPTIONAL_INPUTS: Final = {"token_type_ids"}
_INPUTS: Final = {"input_ids", "attention_mask"}


class EngineError(Exception):
    """A model cannot be loaded or failed at work. The message is one sentence without content."""


class Network(Protocol):
    """What can answer for a tier: see `Engine` for the contracts."""

    @property
    def path(self) -> Path: ...

    @property
    def labels(self) -> int: ...

    def logits(
        self, batch: Sequence[Sequence[int]], pad_to: int | None = None
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Engine:
    """A loaded network. Engines share nothing, so each thread can drive its own at full speed.

    ``pieces`` is the number of word pieces it knows, where that was told.
    """

    path: Path
    labels: int
    pieces: int | None
    _session: onnxruntime.InferenceSession
    _inputs: frozenset[str]

    @classmethod
    def load(cls, path: Path, *, threads: int, pieces: int | None = None) -> Self:
        """Return an engine for the model in ``path`` that computes with ``threads`` threads."""
        try:
            session = onnxruntime.InferenceSession(
                str(path), _options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library's exceptions share no public base
            raise EngineError(
                f"{path} cannot be loaded as a model ({type(error).__name__}); "
                "get a fresh copy of its bundle or train it again"
            ) from error
        inputs = frozenset(entry.name for entry in session.get_inputs())
        shape = session.get_outputs()[0].shape
        if not _INPUTS <= inputs <= _INPUTS | _OPTIONAL_INPUTS or not _is_logits(shape):
            raise EngineError(f"{path} is a model, but not one that classifies token ids")
        return cls(path, shape[1], pieces, _session=session, _inputs=inputs)

    def logits(
        self, batch: Sequence[Sequence[int]], pad_to: int | None = None
    ) -> NDArray[np.float32]:
        """Return one row of logits for each sequence of token ids, or raise `EngineError`.

        The batch is padded to its longest sequence, or to ``pad_to`` if that is longer.
        """
        if not batch:
            return np.zeros((0, self.labels), dtype=np.float32)
        feeds = _feeds(batch, max(pad_to or 0, *map(len, batch)), self._inputs)
        try:
            _check_ids(feeds["input_ids"], self.pieces)
            logits = np.asarray(self._session.run(None, feeds)[0], dtype=np.float32)
        except Exception as error:  # see load; its message may hold token ids, so only its name
            raise EngineError(
                f"{self.path} failed on a batch of {len(batch)} ({type(error).__name__})"
            ) from error
        if not np.isfinite(logits).all():
            raise EngineError(f"{self.path} gave a result that is not a finite number")
        return logits


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads take the core from the event loop and make two-thread sessions bimodal.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Its log lines can repeat token ids; every failure reaches the caller as an exception anyway.
    options.log_severity_level = 4
    return options


def _is_logits(shape: Sequence[object]) -> bool:
    return len(shape) == 2 and isinstance(shape[1], int)


def _check_ids(ids: NDArray[np.int64], pieces: int | None) -> None:
    """Refuse an id beyond the table: the library's operator for 8-bit tables reads there anyway."""
    if pieces is not None and not 0 <= ids.min() <= ids.max() < pieces:
        raise IndexError


def _feeds(
    batch: Sequence[Sequence[int]], width: int, names: frozenset[str]
) -> dict[str, NDArray[np.int64]]:
    ids = np.zeros((len(batch), width), dtype=np.int64)
    mask = np.zeros((len(batch), width), dtype=np.int64)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    feeds = {"input_ids": ids, "attention_mask": mask}
    if "token_type_ids" in names:
        feeds["token_type_ids"] = np.zeros_like(ids)
    return feeds
