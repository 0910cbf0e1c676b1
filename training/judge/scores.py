"""What networks say of messages, in arrays: the same numbers that the router decides by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.complexity import TextFeatures, complexity_of, features
from router.confidence import probabilities
from router.engine import Network
from router.tokenizer import Tokenizer
from training import TrainingError
from training.data.parts import check_are_labels

BATCH: Final = 16

Tokens = Sequence[Sequence[int]]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Held:
    """Held-out messages: texts, token ids, the index of each one's label, and the texts' features.

    ``truth`` is int64 [messages].
    """

    texts: Sequence[str]
    tokens: Tokens
    truth: Integers
    features: Sequence[TextFeatures]


@dataclass(frozen=True)
class Scores:
    """What one tier says of each message, as arrays over messages.

    ``keen`` is the confidence where the message is not too complex for the tier, and -1 where it
    is: the tier keeps exactly the messages with ``keen`` at its threshold or above.
    """

    guesses: Integers
    right: Bools
    confidences: Floats
    keen: Floats


def held_out(rows: Sequence[tuple[str, str]], labels: Sequence[str], tokenizer: Tokenizer) -> Held:
    """Return labelled messages (text and label) in the form that everything here measures on."""
    numbers = {label: number for number, label in enumerate(labels)}
    unknown = sorted({label for _, label in rows} - numbers.keys())
    check_are_labels(unknown, len(rows), "the data")
    if unknown:
        raise TrainingError(
            f"the data has the label {unknown[0]!r}, which the model does not know; "
            "drop those messages, or train on data that has it"
        )
    texts = [text for text, _ in rows]
    return Held(
        texts=texts,
        tokens=tokenizer.encode(texts),
        truth=np.array([numbers[label] for _, label in rows], dtype=np.int64),
        features=[features(text) for text in texts],
    )


def sorted_batches(tokens: Tokens, size: int = BATCH) -> Iterator[list[int]]:
    """Yield the indices of batches of messages of similar length, shortest first."""
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def logits_of(network: Network, tokens: Tokens) -> NDArray[np.float32]:
    """Return the logits of every message, in the order given: float32 [messages, labels]."""
    logits = np.empty((len(tokens), network.labels), dtype=np.float32)
    for indices in sorted_batches(tokens):
        logits[indices] = network.logits([tokens[index] for index in indices])
    return logits


def scores(
    logits: NDArray[np.floating], temperature: float, held: Held, complexity_threshold: float
) -> Scores:
    """Return what a tier says, given its logits for the messages of ``held``."""
    shares = probabilities(logits, temperature)
    guesses = shares.argmax(axis=1)
    confidences = shares.max(axis=1)
    simple = [
        complexity_of(text, confidence).total <= complexity_threshold
        for text, confidence in zip(held.features, confidences.tolist(), strict=True)
    ]
    return Scores(
        guesses=guesses,
        right=guesses == held.truth,
        confidences=confidences,
        keen=np.where(simple, confidences, -1.0),
    )
