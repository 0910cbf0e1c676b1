"""The `escalations` topic: a hard message on its way to the cloud, with the edge's answer."""

from schemas.decision import Reason, Share
from schemas.record import Record
from schemas.traced import Traced
from schemas.transcript import Moment, Name, Text


class EdgeAnswer(Record):
    """What the edge said, used when the cloud cannot answer."""

    label: Name
    confidence: Share
    tier: Name
    bundle_version: Name


class Escalation(Traced):
    """One message for the cloud worker. It carries text, and none of the input's metadata."""

    language: Name | None = None
    text: Text
    edge: EdgeAnswer
    reason: Reason
    escalated_at: Moment
