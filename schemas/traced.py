"""What every record downstream of an input shares."""

from typing import Literal

from schemas.record import Record, Source
from schemas.transcript import Name


class Traced(Record):
    """A record that derives from an input: from which, at what position, and of which replay."""

    version: Literal[1] = 1
    source: Source
    identity: str
    conversation_id: Name | None = None
    turn: int | None = None
    run_id: Name | None = None
