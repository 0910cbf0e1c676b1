"""The `escalations` topic: a hard message on its way to the cloud, with the edge's answer."""

from typing import Literal

from schemas.decision import Reason, Share
from schemas.record import Record, Source
from schemas.transcript import Moment, Name, Text


class EdgeAnswer(Record):
    """What the edge said, used when the cloud cannot answer."""

    label: Name
    confidence: Share
    tier: Name
    bundle_version: Name


class Escalation(Record):
    """One message for the cloud worker. It carries text, and none of the input's metadata."""

    version: Literal[1] = 1
    source: Source
    identity: str
    conversation_id: Name | None = None
    turn: int | None = None
    run_id: Name | None = None
    language: Name | None = None
    text: Text
    edge: EdgeAnswer
    reason: Reason
    escalated_at: Moment
