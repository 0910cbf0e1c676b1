"""The `positions` topic: how far each reader of a topic has come. Compacted; no text."""

from typing import Literal

from pydantic import Field

from schemas.record import Record


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
