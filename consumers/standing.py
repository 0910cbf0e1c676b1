"""Where each lane stands, for people to look at, and how a person moves it. No Kafka here.

| state             | our record, the broker's offset and the outputs               |
|-------------------|---------------------------------------------------------------|
| agrees            | our record and the broker say the same                        |
| the broker forgot | we have a record; the broker says nothing, or something else  |
| not recorded      | the broker knows a position that is not recorded yet          |
| new               | there is none of the three                                    |
| in doubt          | they contradict each other, or our record cannot be read      |
| beyond the end    | the position lies past the log's end: the topic was made anew |
| expired           | the position lies before the log's start, due to retention    |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from consumers.positions import Answers, Doubt, Witnesses, judged, undisputed
from consumers.records import Partition
from schemas.position import Moved

State = Literal[
    "agrees", "the broker forgot", "not recorded", "new", "in doubt", "beyond the end", "expired"
]
NEEDS_A_PERSON: Final[frozenset[State]] = frozenset({"in doubt", "beyond the end"})


@dataclass(frozen=True, slots=True)
class Reader:
    """A role, or a command, that keeps a position in each partition of the topic that it reads."""

    role: str
    command: str
    """What starts it, behind the word edgeroute."""
    group: str
    topic: str
    answers: Mapping[str, Answers]
    """For each output topic which input a record of it answers."""
    has_places: bool = False
    """Whether it keeps a place for each reason besides. Then what it has answered may well lie
    beyond its position, and raises no doubt where there is one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one lane stands, and what its log still holds: from ``start`` to before ``end``."""

    reader: Reader
    partition: Partition
    known: Witnesses
    start: int
    end: int
    unreadable: str = ""
    """What is wrong with our record, where it cannot be read."""
    by_hand: bool = False
    """Whether a person has set our record, who knows of the answers beyond it."""

    @property
    def verdict(self) -> int | str | Doubt:
        """Where the role goes on, as it judges itself when it starts."""
        known = self.known
        if self.unreadable:
            return Doubt(f"its record cannot be read, since {self.unreadable}", self.start)
        if self.by_hand and known.recorded is not None:
            return known.recorded
        if (agreed := undisputed(known.recorded, known.committed)) is not None:
            return agreed
        has_position = known.recorded is not None or known.committed is not None
        if self.reader.has_places and has_position:
            return judged(replace(known, answered=None))
        return judged(known)

    @property
    def position(self) -> int | None:
        """The offset that the role goes on at; None where it is new or in doubt."""
        verdict = self.verdict
        return verdict if isinstance(verdict, int) else None

    @property
    def state(self) -> State:
        """How that fits together, in a word."""
        position = self.position
        if position is None:
            return "in doubt" if self.why else "new"
        if position > self.end:
            return "beyond the end"
        if position < self.start:
            return "expired"
        if position != self.known.recorded:
            return "not recorded"
        return "agrees" if position == self.known.committed else "the broker forgot"

    @property
    def why(self) -> str:
        """Why it is in doubt; empty where it is not."""
        verdict = self.verdict
        return verdict.why if isinstance(verdict, Doubt) else ""

    @property
    def proposed(self) -> int | None:
        """Where to go on, if a person says so; None where it is not in doubt."""
        verdict = self.verdict
        return verdict.proposed if isinstance(verdict, Doubt) else None

    @property
    def lost(self) -> int:
        """How many offsets retention deleted before they were read."""
        return 0 if self.position is None else max(self.start - self.position, 0)


class Overview(NamedTuple):
    """Where every lane stands, and the moves by hand, the newest last."""

    lanes: list[Standing]
    moves: list[Moved]


@dataclass(frozen=True, slots=True)
class Move:
    """Which partitions a person moves, all where none is named, where to, why and when."""

    to: int | Literal["start", "end", "answered"]
    moment: datetime
    partitions: Sequence[int] = ()
    why: str = ""
