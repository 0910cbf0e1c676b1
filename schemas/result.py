"""The `results` topic: the answer to a message."""

from typing import Literal

from schemas.decision import Reason, Share
from schemas.traced import Traced
from schemas.transcript import Moment, Name

Status = Literal["provisional", "final"]


class Result(Traced):
    """An answer. Exactly one is final for each valid input; a provisional one may come before it.

    ``tier`` is the one whose answer this is; it, ``label`` and ``confidence`` are absent for
    skipped records. ``text`` is only there when the setting asks for it.
    """

    status: Status
    answered_by: Literal["edge", "cloud", "nobody"]
    reason: Reason
    tier: Name | None = None
    label: Name | None = None
    confidence: Share | None = None
    bundle_version: Name | None = None
    text: str | None = None
    answered_at: Moment
