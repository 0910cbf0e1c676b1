"""The `decisions` topic: what was decided for each input, and what the cloud answered. No text."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from schemas.record import Record, Source
from schemas.traced import Traced
from schemas.transcript import Moment, Name

Route = Literal["edge", "cloud", "skipped", "dead_letter"]
Reason = Literal[
    "optimal_edge",
    "high_complexity",
    "low_confidence",
    "random_cloud",
    "cloud_error",
    "budget",
    "role_not_scored",
    "empty_text",
    "invalid_record",
]
"""Why a record took its route."""


class ReasonKind(NamedTuple):
    """What a reason means: the route that goes with it, and a few words for people."""

    route: Route
    words: str
    is_fallback: bool = False
    """Whether the cloud was wanted, and the edge's answer stands instead."""


REASONS: Final[Mapping[Reason, ReasonKind]] = {
    "optimal_edge": ReasonKind("edge", "easy, the edge answered"),
    "high_complexity": ReasonKind("cloud", "too complex"),
    "low_confidence": ReasonKind("cloud", "edge not sure"),
    "random_cloud": ReasonKind("cloud", "drawn for the audit"),
    "cloud_error": ReasonKind("edge", "cloud away, the edge answered", is_fallback=True),
    "budget": ReasonKind("edge", "over the budget, the edge answered", is_fallback=True),
    "role_not_scored": ReasonKind("skipped", "role not scored"),
    "empty_text": ReasonKind("skipped", "no text"),
    "invalid_record": ReasonKind("dead_letter", "not a valid record"),
}
"""The one table of reasons: policy, report, page and demo read it. A record of a newer release may
have a reason that is not here; it stands for itself then, and counts to the cloud's side."""

Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=0)]


class Breakdown(Record):
    """The parts of the complexity score, each in [0, 1], and the distinct keywords found."""

    length: Share
    syntax: Share
    uncertainty: Share
    emotion: Share
    keywords: int = Field(ge=0)


class Verdict(Record):
    """What the models and the policy said of one scored message.

    ``tier`` is the edge's tier that decided: the first that keeps the message, else the last.
    ``score`` is its confidence, which was compared with its ``threshold``; ``complexity`` was
    compared with ``complexity_threshold``. ``propensity`` is the probability with which this
    message was sent to the cloud whatever its scores, which re-weighting needs. ``available`` is
    whether the cloud took escalations when this was decided: it is an input of the decision, and so
    is ``admitted``, the share of what would be escalated that the budget let through.
    """

    tier: Name
    label: Name
    confidence: Share
    complexity: Share
    breakdown: Breakdown
    score: Share
    threshold: Share
    complexity_threshold: Share
    propensity: Share
    available: bool
    admitted: Share = 1.0
    bundle_version: Name
    policy_version: Name


class Routed(Traced):
    """Exactly one for each input record, written in the transaction that consumed it.

    ``verdict`` is absent for skipped records and dead letters. ``price`` is in dollars and covers
    the edge only; what the cloud cost is on the `Answered` record. A replay that does not escalate
    for real has no such record: there ``unsent_price`` is what the cloud would have cost, and is on
    no other. ``processing_ms`` runs from
    fetched to handed to the producer; ``inference_ms`` is the time of the batch this message was
    in, added up over the tiers that were asked.
    """

    kind: Literal["routed"] = "routed"
    route: Route
    reason: Reason
    verdict: Verdict | None = None
    price: Price = 0.0
    unsent_price: Price | None = None
    decided_at: Moment
    processing_ms: float = Field(ge=0)
    inference_ms: float = Field(default=0.0, ge=0)


class Answered(Traced):
    """Exactly one for each escalation, written by the worker that consumed it.

    ``source`` is the original input's position, ``escalation`` that of the escalation. With reason
    ``cloud_error`` the label and confidence are the edge's, carried by the escalation.
    ``waited_ms`` runs from escalated to answered, on two machines' clocks.
    """

    kind: Literal["answered"] = "answered"
    escalation: Source
    reason: Reason
    tier: Name
    label: Name
    confidence: Share
    edge_label: Name
    bundle_version: Name
    price: Price
    answered_at: Moment
    waited_ms: float = Field(ge=0)
    processing_ms: float = Field(ge=0)
    inference_ms: float = Field(default=0.0, ge=0)


Decision = Annotated[Routed | Answered, Field(discriminator="kind")]
