"""What the generator knows of a trade."""

from typing import NamedTuple

Sayings = tuple[str, ...]


class Domain(NamedTuple):
    """A trade's sentences. ``{thing}`` and other words in braces are drawn from ``words``.

    ``problems`` are what went wrong, told mostly without a word of feeling; ``questions`` and
    ``details`` are plain; ``praises`` say that something went well; ``answers`` are the agent's.
    """

    name: str
    words: dict[str, Sayings]
    problems: Sayings
    questions: Sayings
    details: Sayings
    praises: Sayings
    answers: Sayings
