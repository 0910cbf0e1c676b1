"""Sentences from patterns: ``[one|other|]`` is a choice, ``{slot}`` is filled from a vocabulary."""

import re
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple

from training.generator.domain import Sayings

Vocabulary = Mapping[str, Sayings]

_CHOICE: Final = re.compile(r"\[([^\[\]]*)\]")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_ARTICLE: Final = re.compile(r"\b(a) (?=[aeio](?!ne\b))", re.IGNORECASE)
_SPACES: Final = re.compile(r" {2,}")
_BEFORE_SIGN: Final = re.compile(r" (?=[,.!?](?!\w))")


class Trade(NamedTuple):
    """A trade, and the vocabulary of its customers."""

    name: str
    words: Vocabulary


def vocabulary(source: str) -> Vocabulary:
    """Read ``slot: first / second / …``; an indented line goes on with the line above it."""
    lines = re.sub(r"\s*\n\s+", " ", source.strip()).splitlines()
    found = (line.partition(":") for line in lines)
    return {slot: tuple(part.strip() for part in rest.split(" / ")) for slot, _, rest in found}


def filled(pattern: str, known: tuple[Vocabulary, ...], draw: Random) -> str:
    """Return a sentence of the pattern. A slot is looked up in each vocabulary, the first wins.

    Raises `KeyError` for a slot that none of them has.
    """
    text = pattern
    while "[" in text or "{" in text:
        text = _CHOICE.sub(lambda found: draw.choice(found.group(1).split("|")), text)
        text = _SLOT.sub(lambda found: _filled(found.group(1), known, draw), text, count=1)
    text = _ARTICLE.sub(r"\1n ", _SPACES.sub(" ", text))
    return _BEFORE_SIGN.sub("", text).strip()


def _filled(slot: str, known: tuple[Vocabulary, ...], draw: Random) -> str:
    if slot in _NUMBERS:
        low, high = _NUMBERS[slot]
        return str(draw.randint(low, high))
    if slot in _MADE:
        return _made(slot, draw)
    for words in known:
        if slot in words:
            return draw.choice(words[slot])
    raise KeyError(f"no words are known for {slot}")


_NUMBERS: Final = {
    "d1": (2, 9),
    "d2": (10, 98),
    "d3": (100, 998),
    "d4": (1_000, 9_998),
    "d5": (10_000, 99_998),
    "hour": (1, 12),
}
"""Slots of numbers, by their digits; none has the six digits of an account."""
_MADE: Final = ("money", "code", "url")
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_HOSTS: Final = ("http://t.co/", "https://t.co/", "http://bit.ly/", "https://", "http://ow.ly/")


def _made(slot: str, draw: Random) -> str:
    if slot == "money":
        sign = draw.choice("$$$££€")
        return f"{sign}{draw.choice((draw.randint(3, 60), draw.randint(40, 900)))}"
    if slot == "code":
        letters = "".join(draw.choices(_LETTERS, k=draw.randint(2, 3)))
        return f"{letters}{draw.randint(1, 99)}"
    return draw.choice(_HOSTS) + "".join(draw.choices(_ALPHABET, k=draw.randint(6, 10)))
