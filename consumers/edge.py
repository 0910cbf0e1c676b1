"""The edge role: transcripts in; decisions, answers, escalations and dead letters out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from consumers.contracts import Job
from consumers.lanes import Plan, Raw
from consumers.scoring import Scored, Scorer
from router.plan import (
    Output,
    Subject,
    Timing,
    Turn,
    Writing,
    refused,
    routed,
    skipped,
    unknown_at,
)
from router.policy import Answer, Decided, Policy, decide
from schemas.codec import Undecodable, decode, decode_redriven
from schemas.decision import Reason
from schemas.transcript import Transcript


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """What of the settings decides about an input."""

    policy: Policy
    roles: frozenset[str]
    """The roles that are scored, case-folded; all others pass as skipped."""
    text_characters: int
    price: float
    writing: Writing


@dataclass(frozen=True, slots=True)
class EdgeWork:
    """A scored record on its way to the model."""

    turn: Turn
    raw: Raw
    tokens: list[int]


class EdgeHandler:
    """Decodes, tokenises, scores and decides. ``available`` says whether the cloud takes work."""

    def __init__(self, scorer: Scorer, rules: EdgeRules, available: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._rules = rules
        self._available = available

    def prepare(self, records: Sequence[Raw]) -> list[Job[EdgeWork, Output]]:
        """One job a record: what needs no model is finished here."""
        opened = [self._open(raw) for raw in records]
        texts = [turn.transcript.text for turn in opened if isinstance(turn, Turn)]
        encoded = iter(self._scorer.encode(texts))
        jobs: list[Job[EdgeWork, Output]] = []
        for raw, turn in zip(records, opened, strict=True):
            if isinstance(turn, Turn):
                tokens = next(encoded)
                jobs.append(Job(work=EdgeWork(turn, raw, tokens), tokens=len(tokens)))
            else:
                jobs.append(Job(plan=turn))
        return jobs

    def infer(self, works: Sequence[EdgeWork]) -> list[Plan[Output]]:
        """Score and decide; a message on which the model fails becomes a dead letter."""
        available = self._available()
        scored = self._scorer.score([work.tokens for work in works])
        return [
            self._decide(work, answer, available)
            if isinstance(answer, Scored)
            else self._refuse(
                work.raw, Undecodable("not_inferable", str(answer)), work.turn.subject
            )
            for work, answer in zip(works, scored, strict=True)
        ]

    def _open(self, raw: Raw) -> Turn | Plan[Output]:
        try:
            transcript = decode(Transcript, raw.value)
        except Undecodable as fault:
            return self._refuse(raw, fault, unknown_at(raw.source))
        turn = Turn(transcript, raw.source)
        if len(transcript.text) > self._rules.text_characters:
            rule = f"field 'text' is longer than {self._rules.text_characters} characters"
            return self._refuse(raw, Undecodable("too_long", rule), turn.subject)
        if transcript.role.casefold() not in self._rules.roles:
            return partial(_skipped, turn, "role_not_scored")
        if not transcript.text.strip():
            return partial(_skipped, turn, "empty_text")
        return turn

    def _decide(self, work: EdgeWork, answer: Scored, available: bool) -> Plan[Output]:
        decided = decide(
            self._rules.policy,
            identity=work.turn.identity,
            text=work.turn.transcript.text,
            answers=[Answer(self._scorer.tier, answer.label, answer.confidence)],
            available=available,
            bundle_version=self._scorer.bundle_version,
        )
        return partial(self._routed, work.turn, decided, answer.inference_ms)

    def _routed(
        self, turn: Turn, decided: Decided, inference_ms: float, moment: datetime, ms: float
    ) -> list[Output]:
        timing = Timing(moment, ms, inference_ms)
        return routed(turn, decided, self._rules.price, self._rules.writing, timing)

    def _refuse(self, raw: Raw, fault: Undecodable, subject: Subject) -> Plan[Output]:
        def plan(moment: datetime, ms: float) -> list[Output]:
            timing, history = Timing(moment, ms), decode_redriven(raw.headers)
            return refused(subject, raw.key, raw.value, fault, self._rules.writing, timing, history)

        return plan


def _skipped(turn: Turn, reason: Reason, moment: datetime, ms: float) -> list[Output]:
    return skipped(turn, reason, Timing(moment, ms))
