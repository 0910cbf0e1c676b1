"""What goes where: from a decision to the records that a lane writes in one transaction.

Everything here is a function of its arguments; the moment and the processing time are among them.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypedDict

from router.economics import Prices
from router.policy import Decided
from schemas.codec import Headers, Undecodable, dead_letter_headers, encode
from schemas.dead_letter import DeadLetter, Redriven
from schemas.decision import Answered, Reason, Routed
from schemas.escalation import EdgeAnswer, Escalation
from schemas.record import Source, identity_of
from schemas.result import Result
from schemas.transcript import Transcript

TopicRole = Literal["transcripts", "results", "escalations", "decisions", "dead_letters"]
_LONGEST_KEY: Final = 1024
"""A dead letter keeps its input's key only up to here: the key counts towards the topic's limit."""


@dataclass(frozen=True, slots=True)
class Output:
    """One record to write: to which topic (by role), and its bytes."""

    topic: TopicRole
    key: bytes | None
    value: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Writing:
    """What the settings say about what is written."""

    provisional: bool = True
    """Whether an escalated item's edge answer goes to `results` at once, as provisional."""
    text_in_results: bool = False
    dead_letter_bytes: int = 900_000
    """The longest value a dead letter keeps; a longer one keeps its beginning, size and SHA-256."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a record is written: the moment, and milliseconds since it was fetched."""

    moment: datetime
    processing_ms: float
    inference_ms: float = 0.0


class Subject(TypedDict):
    """What every record downstream says of the input that it derives from."""

    source: Source
    identity: str
    conversation_id: str | None
    turn: int | None
    run_id: str | None


def unknown_at(source: Source) -> Subject:
    """Return the subject of an input that cannot be decoded: its position is all that is known."""
    identity = identity_of(None, None, source)
    return Subject(source=source, identity=identity, conversation_id=None, turn=None, run_id=None)


@dataclass(frozen=True, slots=True)
class Turn:
    """A decoded input and its position."""

    transcript: Transcript
    source: Source

    @property
    def identity(self) -> str:
        """The message's identity, from which its audit draw derives."""
        return identity_of(self.transcript.conversation_id, self.transcript.turn, self.source)

    @property
    def subject(self) -> Subject:
        """Return what records about it carry."""
        return Subject(
            source=self.source,
            identity=self.identity,
            conversation_id=self.transcript.conversation_id,
            turn=self.transcript.turn,
            run_id=self.transcript.run_id,
        )


def key_of(subject: Subject) -> bytes:
    """Return the key that keeps a conversation in order on every topic."""
    return (subject["conversation_id"] or subject["identity"]).encode()


def skipped(turn: Turn, reason: Reason, timing: Timing) -> list[Output]:
    """A record that is not scored: recorded, unpriced, and final at once."""
    subject = turn.subject
    routed = Routed(
        **subject,
        route="skipped",
        reason=reason,
        decided_at=timing.moment,
        processing_ms=timing.processing_ms,
    )
    result = Result(
        **subject,
        status="final",
        answered_by="nobody",
        reason=reason,
        answered_at=timing.moment,
    )
    key = key_of(subject)
    return [
        Output("decisions", key, encode(routed)),
        Output("results", key, encode(result)),
    ]


def routed(
    turn: Turn, decided: Decided, prices: Prices, writing: Writing, timing: Timing
) -> list[Output]:
    """A scored record: its `routed` record, its result, and its escalation where it has one.

    What a replay decides for the cloud and does not send is final at the edge.
    """
    subject, verdict = turn.subject, decided.verdict
    hard = decided.route == "cloud"
    escalates = hard and turn.transcript.escalates
    record = Routed(
        **subject,
        route=decided.route,
        reason=decided.reason,
        verdict=verdict,
        price=prices.edge,
        unsent_price=prices.cloud if hard and not escalates else None,
        decided_at=timing.moment,
        processing_ms=timing.processing_ms,
        inference_ms=timing.inference_ms,
    )
    key = key_of(subject)
    outputs = [Output("decisions", key, encode(record))]
    if not escalates or writing.provisional:
        result = Result(
            **subject,
            status="provisional" if escalates else "final",
            answered_by="edge",
            reason=decided.reason,
            tier=verdict.tier,
            label=verdict.label,
            confidence=verdict.confidence,
            bundle_version=verdict.bundle_version,
            text=turn.transcript.text if writing.text_in_results else None,
            answered_at=timing.moment,
        )
        outputs.append(Output("results", key, encode(result)))
    if escalates:
        escalation = escalation_of(turn, decided, timing.moment)
        outputs.append(Output("escalations", key, encode(escalation)))
    return outputs


def escalation_of(turn: Turn, decided: Decided, moment: datetime) -> Escalation:
    """Return what travels to the cloud. The one place a message's text leaves the edge."""
    transcript, verdict = turn.transcript, decided.verdict
    return Escalation(
        **turn.subject,
        language=transcript.language,
        text=transcript.text,
        edge=EdgeAnswer(
            label=verdict.label,
            confidence=verdict.confidence,
            tier=verdict.tier,
            bundle_version=verdict.bundle_version,
        ),
        reason=decided.reason,
        escalated_at=moment,
    )


@dataclass(frozen=True, slots=True)
class CloudAnswer:
    """The worker's answer to an escalation: the teacher's, or the edge's it fell back to."""

    label: str
    confidence: float
    tier: str
    bundle_version: str
    price: float
    failed: bool = False


def answered(
    escalation: Escalation,
    position: Source,
    answer: CloudAnswer,
    writing: Writing,
    timing: Timing,
) -> list[Output]:
    """An escalation's `answered` record and its final result."""
    subject = Subject(
        source=escalation.source,
        identity=escalation.identity,
        conversation_id=escalation.conversation_id,
        turn=escalation.turn,
        run_id=escalation.run_id,
    )
    reason: Reason = "cloud_error" if answer.failed else escalation.reason
    waited = (timing.moment - escalation.escalated_at).total_seconds() * 1000
    record = Answered(
        **subject,
        escalation=position,
        reason=reason,
        tier=answer.tier,
        label=answer.label,
        confidence=answer.confidence,
        edge_label=escalation.edge.label,
        bundle_version=answer.bundle_version,
        price=answer.price,
        answered_at=timing.moment,
        # Two machines' clocks: an answer is never earlier than its question.
        waited_ms=max(waited, 0.0),
        processing_ms=timing.processing_ms,
        inference_ms=timing.inference_ms,
    )
    result = Result(
        **subject,
        status="final",
        answered_by="edge" if answer.failed else "cloud",
        reason=reason,
        tier=answer.tier,
        label=answer.label,
        confidence=answer.confidence,
        bundle_version=answer.bundle_version,
        text=escalation.text if writing.text_in_results else None,
        answered_at=timing.moment,
    )
    key = key_of(subject)
    return [Output("decisions", key, encode(record)), Output("results", key, encode(result))]


def dead_letter(
    source: Source,
    key: bytes | None,
    value: bytes | None,
    fault: Undecodable,
    writing: Writing,
    timing: Timing,
    history: Redriven | None = None,
) -> Output:
    """The dead letter of a record: the original bytes as value, everything else in headers.

    ``history`` is what a redriven record brings with it, so that its letter goes on counting.
    """
    whole = value or b""
    key_dropped = key is not None and len(key) > _LONGEST_KEY
    letter = DeadLetter(
        cause=fault.cause,
        error=fault.error,
        error_class=type(fault).__name__,
        source=source,
        size=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        truncated=len(whole) > writing.dead_letter_bytes,
        failed_at=timing.moment,
        key_dropped=key_dropped,
        attempts=history.attempt if history else 0,
        first_source=history.first_source if history else None,
        previous=history.dead_letter if history else None,
    )
    return Output(
        "dead_letters",
        None if key_dropped else key,
        whole[: writing.dead_letter_bytes],
        dead_letter_headers(letter),
    )


def refused(
    subject: Subject,
    key: bytes | None,
    value: bytes | None,
    fault: Undecodable,
    writing: Writing,
    timing: Timing,
    history: Redriven | None = None,
) -> list[Output]:
    """An input that cannot be answered: a dead letter, and its `routed` record."""
    record = Routed(
        **subject,
        route="dead_letter",
        reason="invalid_record",
        decided_at=timing.moment,
        processing_ms=timing.processing_ms,
    )
    letter = dead_letter(subject["source"], key, value, fault, writing, timing, history)
    # The input's own key may hold anything, so it stays with the dead letter.
    return [letter, Output("decisions", key_of(subject), encode(record))]
