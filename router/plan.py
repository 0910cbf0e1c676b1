"""What goes where: from a decision to the records that a lane writes in one transaction.

Everything here is a function of its arguments. Records are encoded where their content is known, in
the threads of inference; the moment of their commit and the time they took are filled in then.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypedDict

from router.economics import Prices
from router.policy import Decided
from schemas.codec import (
    Headers,
    Undecodable,
    closed,
    dead_letter_headers,
    encode_open,
    scalar_header,
)
from schemas.dead_letter import DeadLetter, Redriven
from schemas.decision import Answered, Reason, Routed
from schemas.escalation import EdgeAnswer, Escalation
from schemas.record import Record, Source, identity_of
from schemas.result import Result
from schemas.transcript import Transcript

TopicRole = Literal["transcripts", "results", "escalations", "decisions", "dead_letters"]
_LATER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Stands in a record for the moment at which it will be written."""
_FILLED_IN: Final = frozenset({"processing_ms", "waited_ms"})
_LONGEST_KEY: Final = 1024
"""A dead letter keeps its input's key only up to here: the key counts towards the topic's limit."""


@dataclass(frozen=True, slots=True)
class Output:
    """One record to write: to which topic (by role), and its bytes."""

    topic: TopicRole
    key: bytes | None
    value: bytes
    headers: Headers = ()
    refuses: bool = False
    """Whether it is the decision that its input is a dead letter."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What the settings say about what is written."""

    provisional: bool = True
    """Whether an escalated item's edge answer goes to `results` at once, as provisional."""
    text_in_results: bool = False
    dead_letter_bytes: int = 900_000
    """The longest value a dead letter keeps; a longer one keeps its beginning, size and SHA-256."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to write, except the moment and the time it took.

    ``opened`` is its JSON, still open, and ``moment`` the name of the field that says when. A dead
    letter has no such field: ``opened`` is its whole value, and the moment goes into a header.
    """

    topic: TopicRole
    key: bytes | None
    opened: bytes
    moment: str
    headers: Headers | None = None
    is_timed: bool = False
    """Whether it tells the time from the fetch on."""
    asked_at: datetime | None = None
    """When the question was asked, where it tells how long that has waited for its answer."""
    refuses: bool = False

    def at(self, moment: datetime, ms: float) -> Output:
        """Return the record as written at a moment, ``ms`` milliseconds after the fetch."""
        if self.headers is not None:
            headers = (*self.headers, scalar_header(self.moment, moment))
            return Output(self.topic, self.key, self.opened, headers)
        later: dict[str, object] = {self.moment: moment}
        if self.asked_at is not None:
            # Two machines' clocks: an answer is never earlier than its question.
            waited = (moment - self.asked_at).total_seconds() * 1000
            later["waited_ms"] = max(waited, 0.0)
        if self.is_timed:
            later["processing_ms"] = ms
        value = closed(self.opened, later)
        return Output(self.topic, self.key, value, refuses=self.refuses)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is written for one input, in order."""

    drafts: tuple[Draft, ...]

    def at(self, moment: datetime, ms: float) -> list[Output]:
        """Return the records as written at a moment, ``ms`` milliseconds after the fetch."""
        return [draft.at(moment, ms) for draft in self.drafts]


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


def skipped(turn: Turn, reason: Reason) -> Plan:
    """A record that is not scored: recorded, unpriced, and final at once."""
    subject = turn.subject
    routed = Routed(
        **subject,
        route="skipped",
        reason=reason,
        decided_at=_LATER,
        processing_ms=0.0,
    )
    result = Result(
        **subject,
        status="final",
        answered_by="nobody",
        reason=reason,
        answered_at=_LATER,
    )
    key = key_of(subject)
    return Plan((_decision(key, routed), _result(key, result)))


def routed(
    turn: Turn, decided: Decided, prices: Prices, writing: Writing, inference_ms: float
) -> Plan:
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
        decided_at=_LATER,
        processing_ms=0.0,
        inference_ms=inference_ms,
    )
    key = key_of(subject)
    drafts = [_decision(key, record)]
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
            answered_at=_LATER,
        )
        drafts.append(_result(key, result))
    if escalates:
        drafts.append(_draft("escalations", key, escalation_of(turn, decided), "escalated_at"))
    return Plan(tuple(drafts))


def escalation_of(turn: Turn, decided: Decided) -> Escalation:
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
        escalated_at=_LATER,
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
    inference_ms: float,
) -> Plan:
    """An escalation's `answered` record and its final result."""
    subject = Subject(
        source=escalation.source,
        identity=escalation.identity,
        conversation_id=escalation.conversation_id,
        turn=escalation.turn,
        run_id=escalation.run_id,
    )
    reason: Reason = "cloud_error" if answer.failed else escalation.reason
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
        answered_at=_LATER,
        waited_ms=0.0,
        processing_ms=0.0,
        inference_ms=inference_ms,
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
        answered_at=_LATER,
    )
    key = key_of(subject)
    draft = _draft("decisions", key, record, "answered_at", asked_at=escalation.escalated_at)
    return Plan((draft, _result(key, result)))


def dead_letter(
    source: Source,
    key: bytes | None,
    value: bytes | None,
    fault: Undecodable,
    writing: Writing,
    history: Redriven | None = None,
) -> Draft:
    """The dead letter of a record: the original bytes as value, everything else in headers.

    ``history`` is what a redriven record brings with it, so that its letter goes on counting.
    """
    whole = value or b""
    key_dropped = key is not None and len(key) > _LONGEST_KEY
    described = DeadLetter(
        cause=fault.cause,
        error=fault.error,
        error_class=type(fault).__name__,
        source=source,
        size=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        truncated=len(whole) > writing.dead_letter_bytes,
        failed_at=_LATER,
        key_dropped=key_dropped,
        attempts=history.attempt if history else 0,
        first_source=history.first_source if history else None,
        previous=history.dead_letter if history else None,
    )
    return Draft(
        "dead_letters",
        None if key_dropped else key,
        whole[: writing.dead_letter_bytes],
        "failed_at",
        headers=tuple(one for one in dead_letter_headers(described) if one[0] != "failed_at"),
    )


def refused(
    subject: Subject,
    key: bytes | None,
    value: bytes | None,
    fault: Undecodable,
    writing: Writing,
    history: Redriven | None = None,
) -> Plan:
    """An input that cannot be answered: a dead letter, and its `routed` record."""
    record = Routed(
        **subject,
        route="dead_letter",
        reason="invalid_record",
        decided_at=_LATER,
        processing_ms=0.0,
    )
    letter = dead_letter(subject["source"], key, value, fault, writing, history)
    # The input's own key may hold anything, so it stays with the dead letter.
    return Plan((letter, _decision(key_of(subject), record, refuses=True)))


def _decision(key: bytes, record: Routed, *, refuses: bool = False) -> Draft:
    return _draft("decisions", key, record, "decided_at", refuses=refuses)


def _result(key: bytes, result: Result) -> Draft:
    opened = encode_open(result, frozenset({"answered_at"}))
    return Draft("results", key, opened, "answered_at")


def _draft(
    topic: TopicRole,
    key: bytes,
    record: Record,
    moment: str,
    *,
    asked_at: datetime | None = None,
    refuses: bool = False,
) -> Draft:
    """Return a record without what `Draft.at` fills in."""
    is_timed = topic == "decisions"
    opened = encode_open(record, _FILLED_IN | {moment})
    return Draft(topic, key, opened, moment, None, is_timed, asked_at, refuses)
