"""The cloud role: escalations in; one `answered` record and one final result out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consumers.contracts import Job
from consumers.records import Raw
from consumers.roles.scoring import Scored, Serving, places
from router.engine import EngineError
from router.plan import CloudAnswer, Output, Plan, Writing, answered, dead_letter
from schemas.codec import Undecodable, decode
from schemas.escalation import Escalation
from schemas.record import Source


@dataclass(frozen=True, slots=True)
class CloudWork:
    """A decoded escalation on its way to the model."""

    serving: Serving
    escalation: Escalation
    position: Source
    tokens: list[int]


class CloudHandler:
    """Answers escalations with the teacher, or with the edge's own answer where it fails.

    An escalation older than ``within_s`` when its turn comes gets the edge's answer too, without
    the model: the queue behind it is long, and nobody waits for this one any more.
    """

    def __init__(
        self,
        serving: Serving,
        price: float,
        writing: Writing,
        within_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._serving = serving
        self._price = price
        self._writing = writing
        self._within = timedelta(seconds=within_s)
        self._now = now

    def prepare(self, records: Sequence[Raw]) -> list[Job[CloudWork, Output]]:
        """One job a record; one that is no escalation becomes a dead letter."""
        serving = self._serving
        opened = [self._open(raw) for raw in records]
        texts = [escalation.text for escalation in opened if isinstance(escalation, Escalation)]
        encoded = iter(serving.served.tokenizer.encode(texts))
        jobs: list[Job[CloudWork, Output]] = []
        for raw, escalation in zip(records, opened, strict=True):
            if isinstance(escalation, Escalation):
                tokens = next(encoded)
                work = CloudWork(serving, escalation, raw.source, tokens)
                jobs.append(Job(work=work, tokens=len(tokens)))
            else:
                jobs.append(Job(plan=escalation))
        return jobs

    def infer(self, works: Sequence[CloudWork]) -> list[Plan]:
        """Answer a micro-batch."""
        moment = self._now()
        late = [moment - work.escalation.escalated_at > self._within for work in works]
        plans = {n: self._too_late(work) for n, work in enumerate(works) if late[n]}
        asked = [place for place, is_late in enumerate(late) if not is_late]
        for serving, own in places(works[place].serving for place in asked).items():
            (scorer,) = (*serving.instant, *serving.batched)
            mine = [asked[place] for place in own]
            answers = scorer.score([works[place].tokens for place in mine])
            for place, answer in zip(mine, answers, strict=True):
                plans[place] = self._scored(works[place], answer)
        return [plans[place] for place in range(len(works))]

    def _open(self, raw: Raw) -> Escalation | Plan:
        try:
            return decode(Escalation, raw.value)
        except Undecodable as fault:
            letter = dead_letter(raw.source, raw.key, raw.value, fault, self._writing)
            return Plan((letter,))

    def _too_late(self, work: CloudWork) -> Plan:
        return self._answered(work, _edges(work, price=0.0), 0.0)

    def _scored(self, work: CloudWork, answer: Scored | EngineError) -> Plan:
        return self._answered(work, self._answer(work, answer), _spent(answer))

    def _answer(self, work: CloudWork, answer: Scored | EngineError) -> CloudAnswer:
        if isinstance(answer, Scored):
            return CloudAnswer(
                answer.label,
                answer.confidence,
                work.serving.served.tiers[0].name,
                work.serving.served.version,
                self._price,
            )
        # The worker ran, if in vain: its price is due, and the edge's answer stands.
        return _edges(work, self._price)

    def _answered(self, work: CloudWork, answer: CloudAnswer, inference_ms: float) -> Plan:
        return answered(work.escalation, work.position, answer, self._writing, inference_ms)


def _edges(work: CloudWork, price: float) -> CloudAnswer:
    edge = work.escalation.edge
    return CloudAnswer(
        edge.label, edge.confidence, edge.tier, edge.bundle_version, price, failed=True
    )


def _spent(answer: Scored | EngineError) -> float:
    return answer.inference_ms if isinstance(answer, Scored) else 0.0
