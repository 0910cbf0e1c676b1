"""The `dead-letters` topic: what could not be decoded or is not valid, kept for a person to see."""

from typing import Literal

from pydantic import Field

from schemas.record import Record, Source
from schemas.transcript import Moment, Name

Cause = Literal["empty", "not_json", "invalid", "wrong_version", "too_long", "not_inferable"]
"""Why: the first four are the codec's, `too_long` is over the text limit, and with `not_inferable`
the model failed on this very record."""


class DeadLetter(Record):
    """Describes a dead letter; it travels in the headers, the original bytes are the value.

    ``error`` names the failing field and rule, never the content. ``size`` and ``sha256`` are of
    the original value; ``truncated`` says that the value here is only its beginning.
    """

    version: Literal[1] = 1
    cause: Cause
    error: str
    error_class: Name
    source: Source
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    truncated: bool
    failed_at: Moment
    key_dropped: bool = False
    """Whether the original had a key that was too long to be kept here."""
    attempts: int = Field(default=0, ge=0)
    """How often the record had been redriven before it failed this time."""
    first_source: Source | None = None
    """Where the record stood before it was ever redriven; absent where it never was."""
    previous: Source | None = None
    """The dead letter that it was redriven from."""


class Redriven(Record):
    """Says of an input that it is a dead letter's record, written once more; it is in the headers.

    ``attempt`` counts from 1. ``first_source`` is where the record stood at first, ``dead_letter``
    the position of the letter that it was taken from.
    """

    attempt: int = Field(ge=1)
    first_source: Source
    dead_letter: Source
