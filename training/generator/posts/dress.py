"""How a message looks: handles, tags, signs, capitals, slips and short forms."""

import re
from random import Random
from typing import Final

from training.generator.domain import Sayings
from training.generator.styles import styled

EMOJI: Final[dict[str, Sayings]] = {
    "negative": ("😡", "🙄", "😤", "😠", "👎", "😭", "🤦", "😒", ":(", "😞", "🤬", "💔", "☹️"),
    "neutral": ("🙂", ":)", "🤔", "✈️", "👀", "📦", "📱", "☕", "🙏", "👋", "😄"),
    "positive": ("😊", "👍", "🎉", ":)", "🙏", "❤️", "😍", "👏", ":D", "😁", "🙌", "💙", "✨", "😂"),
}
TAGS: Final[dict[str, Sayings]] = {
    "negative": (
        "fail", "epicfail", "badservice", "customerservice", "disappointed", "neveragain", "help",
        "frustrated", "poorservice", "worstever", "unacceptable", "notcool", "stillwaiting",
        "refund", "notimpressed", "badcustomerservice", "annoyed", "{brand}fail", "{brand}",
        "ripoff", "ridiculous", "overit", "stranded", "dobetter", "fixit", "nothelpful",
    ),
    "neutral": (
        "travel", "question", "{brand}", "help", "news", "{city}", "business", "tech", "deal",
        "{day}", "work", "ad", "marketing", "customerservice", "photo", "giveaway", "jobs",
    ),
    "positive": (
        "thanks", "happy", "love", "customerservice", "greatservice", "{brand}", "thankyou",
        "impressed", "happycustomer", "loyal", "winning", "awesome", "service", "bestever", "yay",
    ),
}  # fmt: skip
OPENINGS: Final[Sayings] = (
    "Hi,", "Hello,", "Hello there,", "Good morning,", "Good evening,", "Hey,", "Dear team,",
    "Hi team,", "Hi there,", "Hello again,", "To whom it may concern,", "Hey guys,", "Hi {brand},",
)  # fmt: skip
CLOSINGS: Final[Sayings] = (
    "Regards, {name}", "Best, {name}", "Thanks", "Thank you", "Kind regards", "{name}", "Cheers",
    "Thanks in advance", "Please advise.", "Yours, {name}", "^{name}",
)  # fmt: skip

_CONTRACTED: Final = re.compile(r"(?<=\w)'(?=(?:t|s|m|re|ve|ll|d)\b)")
_SENTENCE: Final = re.compile(r"(^|[.!?] )([a-z])")


def dressed(text: str, label: str, draw: Random) -> str:
    """Return the text as somebody would write it; slots in what is added are left to fill."""
    chance = draw.random()
    if chance < 0.58:
        return _public(_written(text, draw), label, draw)
    if chance < 0.72:
        return f"{draw.choice(OPENINGS)} {_tidy(text)} {draw.choice((*CLOSINGS, '', ''))}".strip()
    return _signed(_written(text, draw), label, draw, 0.06)


def _public(text: str, label: str, draw: Random) -> str:
    """A post: the company is addressed or mentioned, and there may be tags."""
    if draw.random() < 0.85:
        text = f"@{{brand}} {text}"
    elif draw.random() < 0.5:
        text = f"{text} @{{brand}}"
    if draw.random() < 0.2:
        tags = draw.sample(TAGS[label], draw.choice((1, 1, 1, 2, 3)))
        text = " ".join((text, *(f"#{tag}" for tag in tags)))
    if draw.random() < 0.05:
        text += " {url}"
    return _signed(text, label, draw, 0.08)


def _signed(text: str, label: str, draw: Random, chance: float) -> str:
    if draw.random() >= chance:
        return text
    return f"{text} {draw.choice(EMOJI[label]) * draw.choice((1, 1, 1, 2, 3))}"


def _written(text: str, draw: Random) -> str:
    kind = draw.choices(("tidy", "as it is", "lower", "short", "slips", "caps"),
                        (38, 22, 18, 9, 9, 4))[0]  # fmt: skip
    if kind == "tidy":
        return _tidy(text)
    if kind == "caps":
        return _loud(text, draw)
    if kind in ("short", "slips"):
        return styled(text, kind, draw)
    if kind == "lower":
        text = text.lower()
        return _CONTRACTED.sub("", text) if draw.random() < 0.5 else text
    return text


def _tidy(text: str) -> str:
    text = _SENTENCE.sub(lambda found: found.group(1) + found.group(2).upper(), text)
    return text if text.endswith((".", "!", "?")) or text[-1:] in "️😂❤🎉" else f"{text}."


def _loud(text: str, draw: Random) -> str:
    if draw.random() < 0.3 and "http" not in text:
        return text.upper()
    words = text.split()
    at = draw.randrange(len(words))
    words[at] = words[at].upper() if "http" not in words[at] else words[at]
    return " ".join(words)
