"""Counts, by source position, what came out for what went in. Pure.

It reads the records as plain JSON and takes what an input is from a header that the feeder wrote,
so that a mistake in the product's own reading does not hide itself.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.chaos.messages import SORT_HEADER

Topic = Literal["transcripts", "results", "escalations", "decisions", "dead-letters"]
TOPICS: Final[tuple[Topic, ...]] = (
    "transcripts",
    "results",
    "escalations",
    "decisions",
    "dead-letters",
)
Position = tuple[int, int]
"""A partition and an offset: of `transcripts` unless something else is said."""
Tally = Counter[Position]


@dataclass(frozen=True, slots=True)
class Check:
    """A law: ``expected`` inputs must have exactly one of something, and all others none."""

    name: str
    of: Topic
    """Where the positions are."""
    expected: int
    lost: list[Position]
    doubled: list[Position]
    """Those that have more than one, or one that they must not have."""


@dataclass(slots=True)
class Recount:
    """Everything that was read from the topics."""

    inputs: dict[Position, str] = field(default_factory=dict)
    routes: dict[str, Tally] = field(default_factory=dict)
    finals: Tally = field(default_factory=Counter)
    provisionals: Tally = field(default_factory=Counter)
    dead_letters: Tally = field(default_factory=Counter)
    escalated: Tally = field(default_factory=Counter)
    escalations: dict[Position, Position] = field(default_factory=dict)
    """Position in `escalations` -> source."""
    answered: Tally = field(default_factory=Counter)
    """By position in `escalations`."""
    decisions: list[bytes] = field(default_factory=list)
    ends: dict[tuple[Topic, int], int] = field(default_factory=dict)
    """The offset behind the last record read, by topic and partition."""
    disordered: list[Position] = field(default_factory=list)
    """Places in `decisions` that came before one that should have been first."""
    _latest: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def add(
        self,
        topic: Topic,
        place: Position,
        value: bytes,
        headers: Mapping[str, bytes],
    ) -> None:
        """Take one record in, each once, in the order of its partition."""
        self.ends[topic, place[0]] = place[1] + 1
        if topic == "transcripts":
            self.inputs[place] = headers[SORT_HEADER].decode()
        elif topic == "dead-letters":
            self.dead_letters[_position(json.loads(headers["source"]))] += 1
        elif topic == "results":
            result = json.loads(value)
            kept = self.finals if result["status"] == "final" else self.provisionals
            kept[_position(result["source"])] += 1
        elif topic == "escalations":
            source = _position(json.loads(value)["source"])
            self.escalated[source] += 1
            self.escalations[place] = source
        else:
            self._add_decision(place, value)

    def _add_decision(self, place: Position, value: bytes) -> None:
        self.decisions.append(value)
        record = json.loads(value)
        kind = record["kind"]
        if kind == "routed":
            of = _position(record["source"])
            self.routes.setdefault(record["route"], Counter())[of] += 1
        else:
            of = _position(record["escalation"])
            self.answered[of] += 1
        # A lane commits in order, so what one of its partitions brought must stand in order here.
        latest = (kind, place[0], of[0])
        if of[1] <= self._latest.get(latest, -1):
            self.disordered.append(place)
        self._latest[latest] = max(of[1], self._latest.get(latest, -1))

    @property
    def routed(self) -> Tally:
        """`routed` records by source."""
        return sum(self.routes.values(), Counter())

    def sort(self, sort: str) -> set[Position]:
        """Return the inputs of one sort."""
        return {place for place, is_a in self.inputs.items() if is_a == sort}

    def checks(self) -> list[Check]:
        """Return every law that a run must have kept."""
        scored, skipped, malformed = map(self.sort, ("scored", "skipped", "malformed"))
        to_cloud = set(self.routes.get("cloud", ()))
        return [
            _check("final per scored or skipped input", scored | skipped, self.finals),
            _check("routed per input", set(self.inputs), self.routed),
            _check("routed as skipped", skipped, self._route("skipped")),
            _check("routed as dead letter", malformed, self._route("dead_letter")),
            _check("dead letter per malformed input", malformed, self.dead_letters),
            _check("escalation per input to the cloud", to_cloud, self.escalated),
            _check("provisional per input to the cloud", to_cloud, self.provisionals),
            _check("answered per escalation", set(self.escalations), self.answered, "escalations"),
        ]

    def _route(self, route: str) -> Tally:
        return self.routes.get(route, Counter())


def _check(name: str, expected: set[Position], found: Tally, of: Topic = "transcripts") -> Check:
    lost = sorted(place for place in expected if not found[place])
    doubled = sorted(place for place, n in found.items() if n > (place in expected))
    return Check(name, of, len(expected), lost, doubled)


def _position(source: Mapping[str, Any]) -> Position:
    return int(source["partition"]), int(source["offset"])
