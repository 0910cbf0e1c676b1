"""Labelled messages to learn from: posts, and customers' turns of conversations among them."""

from collections import deque
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from schemas.transcript import Transcript
from training.generator.posts import NEGATIVE_SHARE, POSITIVE_SHARE, TRADES, drawn_label, post
from training.generator.stream import turns
from training.generator.talk import Label, Turn

TURNS_SHARE: Final = 0.2
"""Of the messages that are turns of conversations; these are longer, and refer to what was said."""


def messages(
    draw: Random, name: str, positive: float = POSITIVE_SHARE, negative: float = NEGATIVE_SHARE
) -> Iterator[Turn]:
    """Yield messages without end, each alone in a conversation whose id begins with ``name``.

    ``positive`` and ``negative`` are shares of the labels; the rest is neutral.
    """
    talked = _Talked(draw)
    for number in count():
        label = drawn_label(draw, positive, negative)
        if draw.random() < TURNS_SHARE:
            text, trade = talked.next(label)
        else:
            made = post(draw, label, draw.choice(TRADES))
            text, trade = made.text, made.trade
        said = Transcript(
            conversation_id=f"{name}-{number:06d}", turn=0, role="customer", text=text
        )
        yield Turn(said, trade, label, "plain")


class _Talked:
    """Customers' turns by label, out of conversations that go on as far as it takes."""

    def __init__(self, draw: Random) -> None:
        self._turns = turns(draw, "made")
        self._waiting: dict[Label, deque[tuple[str, str]]] = {
            label: deque(maxlen=100) for label in ("positive", "negative", "neutral")
        }

    def next(self, label: Label) -> tuple[str, str]:
        while not self._waiting[label]:
            turn = next(self._turns)
            if turn.label is not None:
                self._waiting[turn.label].append((turn.transcript.text, turn.domain))
        return self._waiting[label].popleft()
