"""The input: one turn of a conversation."""

import math
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from schemas.record import Record


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the null character")
    return text


def _finite(value: JsonValue) -> JsonValue:
    """JSON has no NaN or infinity, but the parser lets them through inside free values."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must not contain NaN or infinity")
    if isinstance(value, dict):
        for item in value.values():
            _finite(item)
    elif isinstance(value, list):
        for item in value:
            _finite(item)
    return value


def _in_utc(moment: datetime) -> datetime:
    """A moment without a zone is taken as UTC: guessing a local zone would differ by machine."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


Text = Annotated[str, AfterValidator(_without_nul)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
Name = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_without_nul)]


class Transcript(Record):
    """One turn as a producer writes it to the `transcripts` topic; only role and text are required.

    ``turn`` counts from 0 inside its conversation. ``run_id`` names a replay and is absent for live
    traffic. With ``escalate`` a replay's hard messages go to the cloud; without, that is only
    decided and priced; for live traffic it means nothing. ``metadata`` is free JSON: it is
    validated, and never copied downstream.
    """

    version: Literal[1] = 1
    conversation_id: Name | None = None
    turn: int | None = Field(default=None, ge=0, lt=2**31)
    role: Name
    text: Text
    timestamp: Moment | None = None
    language: Name | None = None
    run_id: Name | None = None
    escalate: bool | None = None
    metadata: dict[str, Annotated[JsonValue, AfterValidator(_finite)]] | None = None

    @property
    def escalates(self) -> bool:
        """Whether what is decided for the cloud is sent there."""
        return self.run_id is None or self.escalate is True
