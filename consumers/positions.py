"""Where a lane goes on: what our own record, the broker and the outputs say, and whom to believe.

Our record of the position was committed with the answers up to it, so it is exact. What the broker
says of the group's committed offset may be nothing, older or newer, for a moment or for ever, and
comes without an error. The outputs are what it all is about: an input that they answer must not be
answered again. Pure: no Kafka here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pydantic_core

from schemas.codec import Headers, decode_redriven
from schemas.record import Source

Answers = Callable[[bytes | None, Headers], Source | None]
"""Which input, or escalation, or dead letter a record answers; None where it answers none."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is known of how far a lane has come; each is the offset that comes next, if any.

    ``answered`` is behind the last input that the outputs answer, as far as they are kept.
    ``skips`` says that inputs stand from there up to ``committed``, which nothing answers.
    """

    recorded: int | None
    committed: int | None
    answered: int | None
    skips: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """The witnesses contradict each other: why, and where to go on if a person says so."""

    why: str
    proposed: int


NEW: Final = "new"
"""Nobody has worked on this partition: it begins at the log's start."""


def undisputed(recorded: int | None, committed: int | None) -> int | None:
    """Return the position where our record and the broker agree; else the outputs must be asked."""
    return recorded if recorded is not None and recorded == committed else None


def judged(known: Witnesses) -> int | str | Doubt:
    """Return the position to go on at, or `NEW`, or a `Doubt` that only time or a person settles.

    Outputs beyond our record mean that a release which kept none was at work in between, or that
    the newest records were lost: then the broker must say just what the outputs say.
    """
    recorded, committed, answered = known.recorded, known.committed, known.answered
    if answered is None or (recorded is not None and answered <= recorded):
        if recorded is not None:
            return recorded
        return NEW if committed is None else committed
    if committed is not None and committed >= answered and not known.skips:
        return committed
    return Doubt(_why(recorded, committed, answered), answered)


def _why(recorded: int | None, committed: int | None, answered: int) -> str:
    ours = "nothing is recorded" if recorded is None else f"{recorded} is recorded"
    theirs = "none" if committed is None else str(committed)
    return (
        f"what is written answers the inputs up to {answered - 1}, but {ours} as its position, "
        f"and the broker says {theirs}"
    )


# -- what a record answers -------------------------------------------------------------------------


def routed_input(value: bytes | None, headers: Headers) -> Source | None:
    """Return the input of a `routed` record, by whatever release."""
    return _source(value, "routed", "source")


def answered_escalation(value: bytes | None, headers: Headers) -> Source | None:
    """Return the escalation of an `answered` record, by whatever release."""
    return _source(value, "answered", "escalation")


def refused_record(value: bytes | None, headers: Headers) -> Source | None:
    """Return the record that a dead letter keeps."""
    return _read(dict(headers).get("source"))


def redriven_letter(value: bytes | None, headers: Headers) -> Source | None:
    """Return the dead letter that a redriven input comes from."""
    redriven = decode_redriven(headers)
    return redriven.dead_letter if redriven else None


def _source(value: bytes | None, kind: str, field: str) -> Source | None:
    try:
        record = pydantic_core.from_json(value or b"")
    except ValueError:
        return None
    if not isinstance(record, dict) or record.get("kind") != kind:
        return None
    return _valid(record.get(field))


def _read(header: bytes | None) -> Source | None:
    try:
        return _valid(pydantic_core.from_json(header or b""))
    except ValueError:
        return None


def _valid(found: object) -> Source | None:
    try:
        return Source.model_validate(found)
    except ValueError:
        return None
