"""What the demo learns from the decisions topic: what waits for the cloud, and what came last."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from edgeroute.demo.board import Latest
from schemas.codec import Undecodable, decode_decision
from schemas.decision import Answered, Routed

_KEPT: Final = 40


class Onlooker:
    """Counts by source position, so that a record that came twice is one.

    ``answers`` counts answers as they came, twice where one was written twice: what the monitor's
    totals reach when they have seen all of it.
    """

    def __init__(self) -> None:
        self._routed: set[tuple[str, int, int]] = set()
        self._escalated: set[tuple[str, int, int]] = set()
        self._answered: set[tuple[str, int, int]] = set()
        self._latest: deque[Latest] = deque(maxlen=_KEPT)
        self.answers = 0

    @property
    def routed(self) -> int:
        """How many inputs are routed."""
        return len(self._routed)

    @property
    def waiting(self) -> int:
        """How many escalations have no answer."""
        return len(self._escalated - self._answered)

    @property
    def latest(self) -> tuple[Latest, ...]:
        """What came last, the newest first."""
        return tuple(reversed(self._latest))

    def see(self, values: Iterable[bytes]) -> None:
        """Take in records of the topic; a value that is no such record is passed over."""
        for value in values:
            try:
                decision = decode_decision(value)
            except Undecodable:
                continue
            if isinstance(decision, Routed):
                self._see_routed(decision)
            else:
                self._see_answered(decision)

    def _see_routed(self, routed: Routed) -> None:
        at = (routed.source.topic, routed.source.partition, routed.source.offset)
        self._routed.add(at)
        if routed.route == "cloud":
            self._escalated.add(at)
        if routed.route == "skipped":
            return
        verdict = routed.verdict
        self._latest.append(
            Latest(
                who="edge",
                where=_where(routed),
                label=verdict.label if verdict else "",
                confidence=verdict.confidence if verdict else None,
                complexity=verdict.complexity if verdict else None,
                reason=routed.reason,
                ms=routed.processing_ms,
                tier=verdict.tier if verdict else "",
            )
        )

    def _see_answered(self, answered: Answered) -> None:
        self.answers += 1
        self._answered.add(
            (answered.source.topic, answered.source.partition, answered.source.offset)
        )
        self._latest.append(
            Latest(
                who="cloud",
                where=_where(answered),
                label=answered.label,
                confidence=answered.confidence,
                complexity=None,
                reason=answered.reason,
                ms=answered.waited_ms,
                tier=answered.tier,
            )
        )


def _where(decision: Routed | Answered) -> str:
    """Its conversation and turn, else its place in the topic: never a word of what was said."""
    if decision.conversation_id is not None:
        return f"{decision.conversation_id} / {decision.turn}"
    source = decision.source
    return f"{source.topic}[{source.partition}] {source.offset}"
