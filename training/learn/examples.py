"""What a classifier is taught with, and how: the same for every framework."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from router.tokenizer import Tokenizer
from training.config import Teach
from training.data.parts import Row
from training.learn.schedule import Plan

Floats = npt.NDArray[np.float32]
Tokens = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Examples:
    """Messages to learn from or to be judged by.

    ``targets`` [messages, labels] are each message's shares of the labels: one 1 where the label is
    known, a teacher's probabilities where it is not. ``weights`` [messages] say how much each
    counts in the loss.
    """

    tokens: Tokens
    targets: Floats
    weights: Floats

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each message."""
        return [len(tokens) for tokens in self.tokens]


@dataclass(frozen=True)
class Lesson:
    """How to teach; ``labels`` in the order of the targets' columns."""

    labels: tuple[str, ...]
    how: Teach
    seed: int
    quiet: bool


def plans(lesson: Lesson) -> list[Plan]:
    """Return the stages: first the head alone, then, slower, all weights; those with epochs."""
    how = lesson.how
    stages = (
        ("teaching the head", how.frozen_epochs, how.learning_rate),
        ("teaching", how.epochs - how.frozen_epochs, how.learning_rate / how.slowdown),
    )
    return [
        Plan(
            title,
            epochs,
            how.batch,
            rate,
            lesson.seed,
            schedule=how.schedule,
            patience=how.patience,
        )
        for title, epochs, rate in stages
    ]


def examples(
    tokenizer: Tokenizer, labels: Sequence[str], rows: Sequence[Row], weight: float = 1.0
) -> Examples:
    """Return rows with known labels as examples of equal weight."""
    numbers = {label: number for number, label in enumerate(labels)}
    targets = np.zeros((len(rows), len(labels)), dtype=np.float32)
    targets[np.arange(len(rows)), [numbers[row.label] for row in rows]] = 1
    tokens = tokenizer.encode([row.text for row in rows])
    return Examples(tokens, targets, np.full(len(rows), weight, dtype=np.float32))


def joined(*parts: Examples) -> Examples:
    """Return all examples of the parts as one."""
    return Examples(
        [tokens for part in parts for tokens in part.tokens],
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def weighed(training: Examples) -> Examples:
    """Return the examples with weights by which each label that occurs counts the same."""
    counts = (training.targets * training.weights[:, None]).sum(axis=0)
    of_class = counts.sum() / ((counts > 0).sum() * np.maximum(counts, 1e-9))
    weights = training.weights * (training.targets @ of_class)
    return Examples(training.tokens, training.targets, weights.astype(np.float32))
