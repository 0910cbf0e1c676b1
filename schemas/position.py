"""The `positions` topic: how far each reader of a topic has come. Compacted; no text."""

from typing import Final, Literal

from pydantic import Field

from schemas.record import Record
from schemas.transcript import Moment

WHY_CHARACTERS: Final = 200


class Position(Record):
    """The next offset that a group reads in one partition.

    It is written in the transaction of what was answered up to there, so it is exact: where it is
    readable, so are the answers, and the other way round. The newest record of a key counts.
    ``note`` is what a reader keeps beside the offset, such as a redrive's place of each cause.
    """

    version: Literal[1] = 1
    group: str = Field(min_length=1)
    topic: str = Field(min_length=1)
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    note: str = ""


class Moved(Record):
    """A position that a person has set: what it was, what it is now, and why.

    It is written in the transaction of the new `Position`, and changes nothing by itself.
    ``recorded`` and ``committed`` are what our record and the broker said before.
    """

    version: Literal[1] = 1
    group: str = Field(min_length=1)
    topic: str = Field(min_length=1)
    partition: int = Field(ge=0)
    recorded: int | None = Field(default=None, ge=0)
    committed: int | None = Field(default=None, ge=0)
    offset: int = Field(ge=0)
    why: str = Field(default="", max_length=WHY_CHARACTERS)
    moved_at: Moment
