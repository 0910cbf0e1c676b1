"""Single messages to a company, labelled by what the customer means: posts, chats, mails, reviews.

Negative is whatever went wrong for the customer: a problem told without feeling, a request that
failed, a question that is a complaint, sarcasm. Neutral asks, asks for, tells or chats. Positive
thanks, praises or is relieved. Nobody ever said any of it; one seeded draw makes all of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from training.generator.posts import bad, good, plain
from training.generator.posts.dress import dressed
from training.generator.posts.grammar import Trade, Vocabulary, filled
from training.generator.posts.homes import HOMES
from training.generator.posts.things import THINGS
from training.generator.posts.travel import TRAVEL
from training.generator.posts.words import WORDS
from training.generator.talk import Label

TRADES: Final[tuple[Trade, ...]] = (*TRAVEL, *HOMES, *THINGS)
POSITIVE_SHARE: Final = 0.4
NEGATIVE_SHARE: Final = 0.3

_SAYINGS: Final[Mapping[Label, Vocabulary]] = {
    "negative": bad.BAD,
    "neutral": plain.PLAIN,
    "positive": good.GOOD,
}
FAMILIES: Final[Mapping[Label, Mapping[str, int]]] = {
    "negative": bad.FAMILIES,
    "neutral": plain.FAMILIES,
    "positive": good.FAMILIES,
}
"""The ways to mean a label, and how often each is drawn."""

_LONGER: Final = 0.3
_SCENE: Final = 0.15
_ENDS: Final = re.compile(r"[.!?…)]$")


@dataclass(frozen=True, slots=True)
class Post:
    """A message, what it means, and where in the generator it came from."""

    text: str
    label: Label
    trade: str
    family: str


def posts(
    draw: Random, positive: float = POSITIVE_SHARE, negative: float = NEGATIVE_SHARE
) -> Iterator[Post]:
    """Yield messages without end; the rest of the two shares is neutral."""
    while True:
        yield post(draw, drawn_label(draw, positive, negative), draw.choice(TRADES))


def drawn_label(draw: Random, positive: float, negative: float) -> Label:
    """Return a label; the rest of the two shares is neutral."""
    chance = draw.random()
    if chance < positive:
        return "positive"
    return "negative" if chance < positive + negative else "neutral"


def post(draw: Random, label: Label, trade: Trade) -> Post:
    """Return one message of the label from the trade."""
    families = FAMILIES[label]
    family = draw.choices(list(families), list(families.values()))[0]
    brand = {"brand": (draw.choice(trade.words["brand"]),)}
    known = (brand, trade.words, _SAYINGS[label], WORDS)
    parts = [filled(pattern, known, draw) for pattern in _patterns(draw, label, family)]
    text = filled(dressed(_joined(parts, draw), label, draw), known, draw)
    return Post(text, label, trade.name, family)


def _patterns(draw: Random, label: Label, family: str) -> list[str]:
    """Return a saying of the family, at times with a scene beside it or another after it."""
    parts = [f"{{{family}}}"]
    if draw.random() < _SCENE:
        parts.insert(draw.choice((0, 0, 1)), "{scene}")
    if family not in ("terse", "status") and draw.random() < _LONGER:
        others = FAMILIES[label]
        parts.append(f"{{{draw.choices(list(others), list(others.values()))[0]}}}")
    return parts


def _joined(parts: list[str], draw: Random) -> str:
    """Return the sentences as one text; some people set no full stop between them."""
    stop = draw.choice((". ", ". ", ". ", " ", ", ", "... ", " - "))
    text = parts[0]
    for part in parts[1:]:
        text += (" " if _ENDS.search(text) else stop) + part
    return text
