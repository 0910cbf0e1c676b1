"""What a stage changed: the same held-out messages before it and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.tokenizer import Tokenizer
from training.data.parts import read_labels, read_part
from training.run_folder import Metrics, Work

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Judges:
    """The validation messages as token ids, and the numbers of their labels."""

    tokenizer: Tokenizer
    tokens: list[list[int]]
    labels: NDArray[np.int64]


def judges(work: Work, max_tokens: int | None = None) -> Judges:
    """Return what the stages are compared on, cut to ``max_tokens`` or as the data section says."""
    prepared = work.of("prepare")
    tokenizer = Tokenizer.load(
        prepared / "tokenizer.json", max_tokens or work.config.data.max_tokens
    )
    names = read_labels(prepared)
    rows = read_part(prepared / "validation.jsonl")
    return Judges(
        tokenizer,
        tokenizer.encode([row.text for row in rows]),
        np.array([names.index(row.label) for row in rows]),
    )


def parity(before: Logits, after: Logits, labels: Sequence[int] | NDArray[Any]) -> Metrics:
    """Return how far the logits [messages, labels] of two stages agree, and how right each is.

    Of the messages that only one of the two gets right, the numbers are there for a paired test.
    """
    answers = [logits.argmax(axis=1) for logits in (before, after)]
    right = [answer == np.asarray(labels) for answer in answers]
    return {
        "messages": len(before),
        "agreement": float((answers[0] == answers[1]).mean()),
        "largest_logit_difference": float(np.abs(before - after).max()),
        "accuracy_before": float(right[0].mean()),
        "accuracy_after": float(right[1].mean()),
        "only_before_right": int((right[0] & ~right[1]).sum()),
        "only_after_right": int((right[1] & ~right[0]).sum()),
    }
