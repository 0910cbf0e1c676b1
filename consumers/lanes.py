"""A lane: one assigned input partition from assignment to revocation, without any Kafka in it.

A lane owns the records fetched through it and hands out, for commit, only the finished records at
its front. A record therefore never leaves through any other lane than the one it came in by, not
even a later lane of the same partition in the same process: that is what keeps a rebalance from
doubling records.

| state      | means                                        | goes to                        |
|------------|----------------------------------------------|--------------------------------|
| starting   | its way out is being opened (which fences)   | ready, closed                  |
| ready      | records come in; a finished front may commit | committing, closed             |
| committing | one transaction is open                      | ready, closed                  |
| closed     | for ever; whatever is in flight is dropped   |                                |
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

from consumers.errors import LaneLost
from consumers.records import Partition, Raw

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class ToWrite(Protocol[E_co]):
    """What to write for one record, except what is known only when it is written."""

    def at(self, moment: datetime, ms: float) -> Sequence[E_co]:
        """Return it as written at a moment, ``ms`` milliseconds after the record was fetched."""
        ...


class State(Enum):
    """Where a lane is in its life; the table is in the module's docstring."""

    STARTING = "starting"
    READY = "ready"
    COMMITTING = "committing"
    CLOSED = "closed"


TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.STARTING: frozenset({State.READY, State.CLOSED}),
    State.READY: frozenset({State.COMMITTING, State.CLOSED}),
    State.COMMITTING: frozenset({State.READY, State.CLOSED}),
    State.CLOSED: frozenset(),
}


class WrongState(Exception):
    """A transition the table does not have: a defect of ours, never a user's mistake."""


@dataclass(slots=True, eq=False)
class Slot(Generic[E]):
    """The place of one record in its lane; ``plan`` is None until the record is finished."""

    lane: "Lane[E]"
    offset: int
    size: int
    fetched_at: float
    plan: ToWrite[E] | None = None


@dataclass(slots=True, eq=False)
class Lane(Generic[E]):
    """One assignment of one partition. ``generation`` tells two lanes of a partition apart."""

    partition: Partition
    generation: int
    state: State = State.STARTING
    position: int = -1
    """The next offset to commit: everything before it is committed."""
    expected: int = -1
    """The lowest offset the next fetch may bring."""
    slots: deque[Slot[E]] = field(default_factory=deque)
    bytes_held: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def move(self, state: State) -> None:
        """Go to ``state``, or raise `WrongState`."""
        if state not in TRANSITIONS[self.state]:
            raise WrongState(f"a lane cannot go from {self.state.value} to {state.value}")
        self.state = state
        self.wake.set()

    def opened(self, position: int) -> None:
        """The way out is open, and reading starts at ``position``."""
        self.move(State.READY)
        self.position = position
        self.expected = position

    @property
    def is_open(self) -> bool:
        """Whether records may come in."""
        return self.state in (State.READY, State.COMMITTING)

    def has_room(self, max_records: int, max_bytes: int) -> bool:
        """Whether it is open and holds less than both bounds."""
        return self.is_open and len(self.slots) < max_records and self.bytes_held < max_bytes

    def accept(self, records: Sequence[Raw]) -> list[Slot[E]]:
        """Take fetched records in; call it in the same step as the fetch, with no await between.

        A lane that is not open takes nothing: it re-reads its position when it opens. Raises
        `LaneLost` where the records are not newer than the last ones.
        """
        if not self.is_open or not records:
            return []
        # A consumer that went back would hand out records twice; better to stop than to double.
        if records[0].offset < self.expected:
            raise LaneLost("the topic jumped back to a record older than the last one taken in")
        self.expected = records[-1].offset + 1
        slots = [Slot(self, r.offset, r.size, r.fetched_at) for r in records]
        self.slots.extend(slots)
        self.bytes_held += sum(slot.size for slot in slots)
        return slots

    def finish(self, slot: Slot[E], plan: ToWrite[E]) -> None:
        """Say what to write for a record; dropped where the lane is closed."""
        if self.state is State.CLOSED:
            return
        slot.plan = plan
        if self.slots and self.slots[0].plan is not None:
            self.wake.set()

    def finished_front(self, limit: int) -> list[Slot[E]]:
        """Return the longest run of finished records at the front, at most ``limit`` of them."""
        front: list[Slot[E]] = []
        for slot in self.slots:
            if slot.plan is None or len(front) == limit:
                break
            front.append(slot)
        return front

    def committed(self, front: Sequence[Slot[E]]) -> None:
        """The transaction of ``front`` is committed: forget it and move the position behind it."""
        self.move(State.READY)
        for slot in front:
            if self.slots.popleft() is not slot:
                raise WrongState("what was committed is not the front of the lane")
            self.bytes_held -= slot.size
        self.position = front[-1].offset + 1

    def close(self) -> None:
        """Close for ever and let go of everything in flight. Closing twice is fine."""
        if self.state is not State.CLOSED:
            self.move(State.CLOSED)
        self.slots.clear()
        self.bytes_held = 0
