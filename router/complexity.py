"""How hard a message looks: length, sentence structure, emotion, and how unsure the model is.

The numbers are the reference router's. What differs from it: keywords are whole words and not
substrings, sentences end at more than a full stop, and a confidence below one half counts as wholly
uncertain instead of as certain again.
"""

import re
from dataclasses import dataclass
from typing import Final

KEYWORDS: Final = frozenset(
    {
        "frustrated",
        "angry",
        "unacceptable",
        "supervisor",
        "manager",
        "complaint",
        "terrible",
        "awful",
        "disgusted",
        "furious",
    }
)
"""Words that ask for a person, case-folded."""

LONG_TEXT: Final = 200
"""Characters (code points) from which a text counts as wholly long."""
LONG_SENTENCE: Final = 15
"""Mean words a sentence from which the structure counts as wholly complex."""
MANY_KEYWORDS: Final = 3
"""Distinct keywords from which a text counts as wholly emotional."""

LENGTH_WEIGHT: Final = 0.3
SYNTAX_WEIGHT: Final = 0.3
UNCERTAINTY_WEIGHT: Final = 0.2
EMOTION_WEIGHT: Final = 0.2

RULES: Final[dict[str, object]] = {
    "revision": 1,
    "keywords": sorted(KEYWORDS),
    "scales": [LONG_TEXT, LONG_SENTENCE, MANY_KEYWORDS],
    "weights": [LENGTH_WEIGHT, SYNTAX_WEIGHT, UNCERTAINTY_WEIGHT, EMOTION_WEIGHT],
}
"""Everything that this module decides by, for a policy's version. A change of a definition that
shows in none of the numbers must raise ``revision``."""

# A single character class repeated: matched in one pass, whatever the text. The underscore is not
# part of a word, because people write _angry_ for emphasis.
_WORDS: Final = re.compile(r"[^\W_]+")
_ENDS: Final = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """What the text alone says, each part in [0, 1], and the number of distinct keywords in it."""

    length: float
    syntax: float
    emotion: float
    keywords: int


@dataclass(frozen=True, slots=True)
class Complexity:
    """The score and its parts, each in [0, 1], and the number of distinct keywords."""

    total: float
    length: float
    syntax: float
    uncertainty: float
    emotion: float
    keywords: int


def uncertainty(confidence: float) -> float:
    """Return how unsure a confidence in [0, 1] is: 0 at 1, rising to 1 at one half and below.

    Below one half a model of many labels is guessing, so the score stays at 1.
    """
    if not 0 <= confidence <= 1:
        raise ValueError("a confidence must lie between 0 and 1")
    return 1.0 if confidence < 0.5 else 2.0 - 2.0 * confidence


def features(text: str) -> TextFeatures:
    """Return what the text alone says, in time linear in its length."""
    keywords = len(KEYWORDS.intersection(_WORDS.findall(text.casefold())))
    return TextFeatures(
        length=min(len(text) / LONG_TEXT, 1.0),
        syntax=min(_words_per_sentence(text) / LONG_SENTENCE, 1.0),
        emotion=min(keywords / MANY_KEYWORDS, 1.0),
        keywords=keywords,
    )


def complexity_of(text: TextFeatures, confidence: float) -> Complexity:
    """Return the complexity of a text with these features to a model this confident."""
    doubt = uncertainty(confidence)
    total = (
        LENGTH_WEIGHT * text.length
        + SYNTAX_WEIGHT * text.syntax
        + UNCERTAINTY_WEIGHT * doubt
        + EMOTION_WEIGHT * text.emotion
    )
    return Complexity(
        total=min(total, 1.0),
        length=text.length,
        syntax=text.syntax,
        uncertainty=doubt,
        emotion=text.emotion,
        keywords=text.keywords,
    )


def complexity(text: str, confidence: float) -> Complexity:
    """Return the complexity of a text to a model this confident of its label."""
    return complexity_of(features(text), confidence)


def _words_per_sentence(text: str) -> float:
    """Return the mean; words are runs without white space, and a text without words has 0.

    A sentence ends with a word that ends in ".", "!" or "?", or with the last word of a line; so a
    full stop inside a number or an address ends none.
    """
    words = sentences = 0
    for line in text.splitlines():
        found = line.split()
        if not found:
            continue
        words += len(found)
        sentences += sum(word.endswith(_ENDS) for word in found)
        if not found[-1].endswith(_ENDS):
            sentences += 1
    return words / sentences if sentences else 0.0
