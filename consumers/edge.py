"""The edge role: transcripts in; decisions, answers, escalations and dead letters out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from consumers.budget import Budget
from consumers.contracts import Job
from consumers.lanes import Plan, Raw
from consumers.scoring import Scored, Scorer
from router.economics import Prices
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
    prices: Prices
    writing: Writing


@dataclass(frozen=True, slots=True)
class EdgeWork:
    """A scored record on its way to the model."""

    turn: Turn
    raw: Raw
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class _Cloud:
    """What a micro-batch is told of the cloud: whether it takes work, and how much of it."""

    available: bool
    admitted: float


class EdgeHandler:
    """Decodes, tokenises, scores and decides.

    ``available`` says whether the cloud takes work, and the budget how much of it; both are asked
    once a micro-batch.
    """

    def __init__(
        self,
        scorer: Scorer,
        rules: EdgeRules,
        available: Callable[[], bool],
        budget: Budget | None = None,
    ) -> None:
        self._scorer = scorer
        self._rules = rules
        self._available = available
        self._budget = budget

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
        cloud = _Cloud(self._available(), self._budget.admitted() if self._budget else 1.0)
        plans: list[Plan[Output]] = []
        reasons: list[Reason] = []
        scored = self._scorer.score([work.tokens for work in works])
        for work, answer in zip(works, scored, strict=True):
            if isinstance(answer, Scored):
                decided = self._decide(work, answer, cloud)
                reasons.append(decided.reason)
                plans.append(partial(self._routed, work.turn, decided, answer.inference_ms))
            else:
                fault = Undecodable("not_inferable", str(answer))
                plans.append(self._refuse(work.raw, fault, work.turn.subject))
        if self._budget:
            self._budget.saw(len(reasons), sum(reason != "optimal_edge" for reason in reasons))
        return plans

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

    def _decide(self, work: EdgeWork, answer: Scored, cloud: _Cloud) -> Decided:
        return decide(
            self._rules.policy,
            identity=work.turn.identity,
            text=work.turn.transcript.text,
            answers=[Answer(self._scorer.tier, answer.label, answer.confidence)],
            available=cloud.available,
            bundle_version=self._scorer.bundle_version,
            admitted=cloud.admitted,
        )

    def _routed(
        self, turn: Turn, decided: Decided, inference_ms: float, moment: datetime, ms: float
    ) -> list[Output]:
        timing = Timing(moment, ms, inference_ms)
        return routed(turn, decided, self._rules.prices, self._rules.writing, timing)

    def _refuse(self, raw: Raw, fault: Undecodable, subject: Subject) -> Plan[Output]:
        def plan(moment: datetime, ms: float) -> list[Output]:
            timing, history = Timing(moment, ms), decode_redriven(raw.headers)
            return refused(subject, raw.key, raw.value, fault, self._rules.writing, timing, history)

        return plan


def _skipped(turn: Turn, reason: Reason, moment: datetime, ms: float) -> list[Output]:
    return skipped(turn, reason, Timing(moment, ms))
