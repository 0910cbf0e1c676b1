"""The edge role: transcripts in; decisions, answers, escalations and dead letters out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from consumers.contracts import Job
from consumers.records import Raw
from consumers.roles.budget import Budget
from consumers.roles.scoring import Scored, Scorer, Serving, places
from router.complexity import TextFeatures, features
from router.economics import Prices
from router.engine import EngineError
from router.plan import (
    Output,
    Plan,
    Subject,
    Turn,
    Writing,
    refused,
    routed,
    skipped,
    unknown_at,
)
from router.policy import Answer, Decided, step
from schemas.codec import Undecodable, decode, decode_redriven
from schemas.transcript import Transcript


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """What of the settings decides about an input."""

    roles: frozenset[str]
    """The roles that are scored, case-folded; all others pass as skipped."""
    text_characters: int
    prices: Prices
    writing: Writing


@dataclass(frozen=True, slots=True)
class EdgeWork:
    """A scored record on its way to the next tier of the edge, and what was said of it so far.

    ``inference_ms`` adds up, over the tiers asked, the time of the batch it was asked in.
    """

    serving: Serving
    turn: Turn
    raw: Raw
    tokens: list[int]
    text: TextFeatures
    answers: tuple[Answer, ...] = ()
    inference_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class _Cloud:
    """What a micro-batch is told of the cloud: whether it takes work, and how much of it."""

    available: bool
    admitted: float


class EdgeHandler:
    """Decodes, tokenises, asks the tiers of the edge in order, and decides.

    The instant tiers in front are asked as messages arrive, and micro-batches for the others are
    cut from what these pass on: else the others would get batches that are mostly kept already.
    ``available`` says whether the cloud takes work, and the budget how much of it; both are asked
    once a batch. A message is asked about, and decided, by what was served when it was tokenised.
    """

    def __init__(
        self,
        serving: Serving,
        rules: EdgeRules,
        available: Callable[[], bool],
        budget: Budget | None = None,
    ) -> None:
        self._serving = serving
        self._rules = rules
        self._available = available
        self._budget = budget

    def prepare(self, records: Sequence[Raw]) -> list[Job[EdgeWork, Output]]:
        """One job a record: what needs no micro-batch is finished here."""
        serving = self._serving
        opened = [self._open(raw) for raw in records]
        texts = [turn.transcript.text for turn in opened if isinstance(turn, Turn)]
        encoded = iter(serving.served.tokenizer.encode(texts))
        begun = [
            EdgeWork(serving, turn, raw, next(encoded), features(turn.transcript.text))
            if isinstance(turn, Turn)
            else turn
            for raw, turn in zip(records, opened, strict=True)
        ]
        return [
            Job(work=asked, tokens=len(asked.tokens))
            if isinstance(asked, EdgeWork)
            else Job(plan=asked)
            for asked in self._ask(serving.instant, begun)
        ]

    def infer(self, works: Sequence[EdgeWork]) -> list[Plan]:
        """Score and decide; a message on which a model fails becomes a dead letter."""
        asked: list[EdgeWork | Plan] = list(works)
        for serving, own in places(work.serving for work in works).items():
            plans = self._ask(serving.batched, [works[place] for place in own])
            for place, plan in zip(own, plans, strict=True):
                asked[place] = plan
        return [plan for plan in asked if not isinstance(plan, EdgeWork)]

    def _ask(
        self, scorers: Sequence[Scorer], works: Sequence[EdgeWork | Plan]
    ) -> list[EdgeWork | Plan]:
        """Ask these tiers in order; a message that one of them settles becomes its plan.

        What the last tier of the edge is asked is always settled.
        """
        cloud = _Cloud(self._available(), self._budget.admitted() if self._budget else 1.0)
        asked, settled = list(works), list[Decided]()
        for scorer in scorers:
            waiting = [(i, work) for i, work in enumerate(asked) if isinstance(work, EdgeWork)]
            scored = scorer.score([work.tokens for _, work in waiting]) if waiting else []
            for (i, work), answer in zip(waiting, scored, strict=True):
                if isinstance(answer, EngineError):
                    asked[i] = self._not_inferable(work, answer)
                    continue
                answered = _with_answer(work, scorer, answer)
                decided = self._step(answered, cloud)
                if decided is None:
                    asked[i] = answered
                    continue
                settled.append(decided)
                asked[i] = self._routed(answered, decided)
        if self._budget:
            wanted = sum(decided.reason != "optimal_edge" for decided in settled)
            self._budget.saw(len(settled), wanted)
        return asked

    def _not_inferable(self, work: EdgeWork, error: EngineError) -> Plan:
        return self._refuse(work.raw, Undecodable("not_inferable", str(error)), work.turn.subject)

    def _open(self, raw: Raw) -> Turn | Plan:
        try:
            transcript = decode(Transcript, raw.value)
        except Undecodable as fault:
            return self._refuse(raw, fault, unknown_at(raw.source))
        turn = Turn(transcript, raw.source)
        if len(transcript.text) > self._rules.text_characters:
            rule = f"field 'text' is longer than {self._rules.text_characters} characters"
            return self._refuse(raw, Undecodable("too_long", rule), turn.subject)
        if transcript.role.casefold() not in self._rules.roles:
            return skipped(turn, "role_not_scored")
        if not transcript.text.strip():
            return skipped(turn, "empty_text")
        return turn

    def _step(self, work: EdgeWork, cloud: _Cloud) -> Decided | None:
        served = work.serving.served
        return step(
            served.policy,
            identity=work.turn.identity,
            text=work.text,
            answers=work.answers,
            available=cloud.available,
            bundle_version=served.version,
            admitted=cloud.admitted,
        )

    def _routed(self, work: EdgeWork, decided: Decided) -> Plan:
        rules = self._rules
        return routed(work.turn, decided, rules.prices, rules.writing, work.inference_ms)

    def _refuse(self, raw: Raw, fault: Undecodable, subject: Subject) -> Plan:
        history = decode_redriven(raw.headers)
        return refused(subject, raw.key, raw.value, fault, self._rules.writing, history)


def _with_answer(work: EdgeWork, scorer: Scorer, answer: Scored) -> EdgeWork:
    said = Answer(scorer.tier.name, answer.label, answer.confidence)
    spent = work.inference_ms + answer.inference_ms
    return replace(work, answers=(*work.answers, said), inference_ms=spent)
