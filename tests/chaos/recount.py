"""Counts, by source position, what came out for what went in. Pure.

It reads the records as plain JSON and takes what an input is from a header that the feeder wrote,
so that a mistake in the product's own reading does not hide itself.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
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
Tally = dict[Position, list[float]]
"""The records for each position: when each was written, in seconds since the start of the run."""


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
    first_lost: tuple[float, Position] | None = None
    """Of those that lack something, the one that was written first, and when."""
    first_doubled: tuple[float, Position] | None = None
    """What had one too many first, and when that one was written."""


@dataclass(slots=True)
class Recount:
    """Everything that was read from the topics."""

    inputs: dict[Position, str] = field(default_factory=dict)
    routes: dict[str, Tally] = field(default_factory=dict)
    finals: Tally = field(default_factory=lambda: defaultdict(list))
    provisionals: Tally = field(default_factory=lambda: defaultdict(list))
    dead_letters: Tally = field(default_factory=lambda: defaultdict(list))
    escalated: Tally = field(default_factory=lambda: defaultdict(list))
    escalations: dict[Position, Position] = field(default_factory=dict)
    """Position in `escalations` -> source."""
    answered: Tally = field(default_factory=lambda: defaultdict(list))
    """By position in `escalations`."""
    decisions: list[bytes] = field(default_factory=list)
    ends: dict[tuple[Topic, int], int] = field(default_factory=dict)
    """The offset behind the last record read, by topic and partition."""
    disordered: list[Position] = field(default_factory=list)
    """Places in `decisions` that came before one that should have been first."""
    _written: dict[tuple[Topic, Position], float] = field(default_factory=dict)
    """When the inputs and the escalations were written."""
    _latest: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def add(
        self,
        topic: Topic,
        place: Position,
        value: bytes,
        headers: Mapping[str, bytes],
        at: float,
    ) -> None:
        """Take one record in, each once, in the order of its partition.

        ``at`` is the moment in its timestamp, in seconds since the start of the run.
        """
        self.ends[topic, place[0]] = place[1] + 1
        if topic in ("transcripts", "escalations"):
            self._written[topic, place] = at
        if topic == "transcripts":
            self.inputs[place] = headers[SORT_HEADER].decode()
        elif topic == "dead-letters":
            self.dead_letters[_position(json.loads(headers["source"]))].append(at)
        elif topic == "results":
            result = json.loads(value)
            kept = self.finals if result["status"] == "final" else self.provisionals
            kept[_position(result["source"])].append(at)
        elif topic == "escalations":
            source = _position(json.loads(value)["source"])
            self.escalated[source].append(at)
            self.escalations[place] = source
        else:
            self._add_decision(place, value, at)

    def _add_decision(self, place: Position, value: bytes, at: float) -> None:
        self.decisions.append(value)
        record = json.loads(value)
        kind = record["kind"]
        if kind == "routed":
            of = _position(record["source"])
            self.routes.setdefault(record["route"], defaultdict(list))[of].append(at)
        else:
            of = _position(record["escalation"])
            self.answered[of].append(at)
        # A lane commits in order, so what one of its partitions brought must stand in order here.
        latest = (kind, place[0], of[0])
        if of[1] <= self._latest.get(latest, -1):
            self.disordered.append(place)
        self._latest[latest] = max(of[1], self._latest.get(latest, -1))

    @property
    def routed(self) -> Tally:
        """`routed` records by source."""
        every: Tally = defaultdict(list)
        for tally in self.routes.values():
            for place, moments in tally.items():
                every[place] += moments
        return every

    def sort(self, sort: str) -> set[Position]:
        """Return the inputs of one sort."""
        return {place for place, is_a in self.inputs.items() if is_a == sort}

    def checks(self) -> list[Check]:
        """Return every law that a run must have kept."""
        scored, skipped, malformed = map(self.sort, ("scored", "skipped", "malformed"))
        to_cloud = set(self.routes.get("cloud", ()))
        return [
            self._check("final per scored or skipped input", scored | skipped, self.finals),
            self._check("routed per input", set(self.inputs), self.routed),
            self._check("routed as skipped", skipped, self._route("skipped")),
            self._check("routed as dead letter", malformed, self._route("dead_letter")),
            self._check("dead letter per malformed input", malformed, self.dead_letters),
            self._check("escalation per input to the cloud", to_cloud, self.escalated),
            self._check("provisional per input to the cloud", to_cloud, self.provisionals),
            self._check(
                "answered per escalation", set(self.escalations), self.answered, "escalations"
            ),
        ]

    def _route(self, route: str) -> Tally:
        return self.routes.get(route, {})

    def _check(
        self, name: str, expected: AbstractSet[Position], found: Tally, of: Topic = "transcripts"
    ) -> Check:
        lost = sorted(expected - found.keys())
        doubled = sorted(place for place, at in found.items() if len(at) > (place in expected))
        written = [(self._written[of, p], p) for p in lost if (of, p) in self._written]
        # Of two that are expected to be one, the second is the one too many.
        too_many = [(sorted(found[place])[place in expected], place) for place in doubled]
        return Check(
            name,
            of,
            len(expected),
            lost,
            doubled,
            first_lost=min(written, default=None),
            first_doubled=min(too_many, default=None),
        )


def records(tally: Tally) -> int:
    """Return how many records a tally holds."""
    return sum(map(len, tally.values()))


def _position(source: Mapping[str, Any]) -> Position:
    return int(source["partition"]), int(source["offset"])
