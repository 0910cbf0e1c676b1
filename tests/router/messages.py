"""Support messages for tests of the models: plain and odd, short and longer, always the same."""

import gzip
import json
import random
from pathlib import Path
from typing import Final

STARTER: Final = Path(__file__).parents[2] / "models" / "starter"
_REAL: Final = (
    Path(__file__).parents[3] / "shared" / "data" / "replay" / "twacs_dev_sample.jsonl.gz"
)

_OPENINGS: Final = (
    "hi",
    "Hello there,",
    "I have been waiting for an hour and",
    "Sorry to bother you again, but",
    "This is the second time that",
    "Quick question:",
    "As I told your colleague yesterday,",
    "😀 great service,",
)
_MATTERS: Final = (
    "my parcel has not arrived",
    "the invoice shows the wrong amount",
    "I cannot log in to my account",
    "the refund is still missing",
    "your app crashes whenever I open the settings",
    "the router blinks red and nothing works",
    "the technician was friendly and quick",
    "how do I change my address",
    "die Rechnung stimmt nicht",
    "order #A-48213 was delivered to somebody else",
)
_ENDINGS: Final = (
    ".",
    "!!!",
    "?",
    ", please help.",
    ". I want to speak to a manager.",
    ". Thanks a lot, you are the best!",
    ". This is unacceptable and I am furious.",
    " …",
)


def support_messages(count: int, seed: int = 7) -> list[str]:
    """Return ``count`` messages of one to six sentences."""
    chance = random.Random(seed)
    return [_message(chance) for _ in range(count)]


def real_messages(count: int, seed: int = 7) -> list[str]:
    """Return ``count`` different customer turns of real support, or made-up ones without the data.

    The data stands beside the repository, never in it.
    """
    if not _REAL.exists():
        return support_messages(count, seed)
    with gzip.open(_REAL, "rt", encoding="utf-8") as lines:
        turns = [json.loads(line) for line in lines]
    texts = sorted({turn["text"] for turn in turns if turn["role"] == "customer"})
    return random.Random(seed).sample(texts, count)


def _message(chance: random.Random) -> str:
    sentences = chance.choice((1, 1, 1, 1, 2, 2, 3, 6))
    return " ".join(
        f"{chance.choice(_OPENINGS)} {chance.choice(_MATTERS)}{chance.choice(_ENDINGS)}"
        for _ in range(sentences)
    )
