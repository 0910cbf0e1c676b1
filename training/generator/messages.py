"""Labelled messages to learn from: posts, and customers' turns of conversations among them."""

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from training.generator.posts import NEGATIVE_SHARE, POSITIVE_SHARE, TRADES, drawn_label, post
from training.generator.stream import turns
from training.generator.talk import Label

TURNS_SHARE: Final = 0.2
"""Of the messages that are turns of conversations; these are longer, and refer to what was said."""


class Message(NamedTuple):
    """A text, what its writer means, and the trade it is about."""

    text: str
    label: Label
    trade: str


def messages(
    draw: Random, positive: float = POSITIVE_SHARE, negative: float = NEGATIVE_SHARE
) -> Iterator[Message]:
    """Yield messages without end, with these shares of labels; the rest is neutral."""
    talked = _Talked(draw)
    while True:
        label = drawn_label(draw, positive, negative)
        if draw.random() < TURNS_SHARE:
            yield talked.next(label)
        else:
            made = post(draw, label, draw.choice(TRADES))
            yield Message(made.text, made.label, made.trade)


class _Talked:
    """Customers' turns by label, out of conversations that go on as far as it takes."""

    def __init__(self, draw: Random) -> None:
        self._turns = turns(draw, "made")
        self._waiting: dict[Label, deque[Message]] = {
            label: deque(maxlen=100) for label in ("positive", "negative", "neutral")
        }

    def next(self, label: Label) -> Message:
        while not self._waiting[label]:
            turn = next(self._turns)
            if turn.label is not None:
                said = Message(turn.transcript.text, turn.label, turn.domain)
                self._waiting[turn.label].append(said)
        return self._waiting[label].popleft()
