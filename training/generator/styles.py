"""How people write: with capitals or without, with slips, short forms, signs."""

import re
from random import Random
from typing import Final

from router.complexity import KEYWORDS

STYLES: Final = ("plain", "plain", "plain", "lower", "short", "slips", "polite", "lower slips")
"""One is drawn for each conversation: a person writes the same way all along."""

_SHORT: Final = {
    "please": "pls",
    "because": "bc",
    "you": "u",
    "your": "ur",
    "thanks": "thx",
    "thank you": "thx",
    "are": "r",
    "minutes": "min",
    "weeks": "wks",
    "about": "abt",
    "and": "&",
    "tomorrow": "tmrw",
    "without": "w/o",
    "with": "w/",
    "i am": "im",
    "i have": "ive",
    "do not": "dont",
    "did not": "didnt",
    "does not": "doesnt",
    "cannot": "cant",
    "number": "no.",
}
_SHORTENED: Final = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, _SHORT), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)
_LONG_WORD: Final = re.compile(r"\b[a-z]{5,}\b")


def styled(text: str, style: str, draw: Random) -> str:
    """Return the text in this style. Digits and the words that ask for a person stay whole."""
    if style == "short":
        text = _SHORTENED.sub(lambda found: _shortened(found.group(), draw), text)
    if "slips" in style:
        text = _with_slip(text, draw)
    if "lower" in style:
        text = text.lower().removesuffix(".")
    return text


def _shortened(words: str, draw: Random) -> str:
    return _SHORT[words.lower()] if draw.random() < 0.7 else words


def _with_slip(text: str, draw: Random) -> str:
    """Swap, drop or double a letter in one word, or in two."""
    for _ in range(draw.randint(1, 2)):
        words = [word for word in _LONG_WORD.finditer(text) if word.group() not in KEYWORDS]
        if not words:
            break
        word = draw.choice(words)
        at = word.start() + draw.randrange(1, len(word.group()) - 1)
        slips = (text[at + 1] + text[at], text[at + 1], text[at] * 2 + text[at + 1])
        text = text[:at] + draw.choice(slips) + text[at + 2 :]
    return text
