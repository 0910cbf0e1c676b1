"""The monitor role: decisions in, totals in Redis out.

Redis holds the totals and, written by the same script, the next offset of each partition. That
offset is where a lane starts, so nothing is counted twice or missed whatever dies when.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from consumers.contracts import Job
from consumers.errors import LaneLost
from consumers.lanes import ToWrite
from consumers.records import Partition, Raw
from consumers.totals.aggregate import aggregate
from consumers.totals.store import Store, StoreError
from schemas.codec import Undecodable, decode_decision
from schemas.decision import Answered, Routed

log = logging.getLogger(__name__)
Decided = Routed | Answered


class Offsets(Protocol):
    """What the sink asks of the input about a partition."""

    async def bounds(self, partition: Partition) -> tuple[int, int]: ...

    async def check_end(self, partition: Partition, position: int) -> None: ...

    async def commit(self, partition: Partition, offset: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """A decision to count; None where the record is no decision."""

    decision: Decided | None

    def at(self, moment: datetime, ms: float) -> list[Decided]:
        """Return it whenever that is."""
        return [] if self.decision is None else [self.decision]


class MonitorHandler:
    """Decodes decisions; there is nothing to infer."""

    def prepare(self, records: Sequence[Raw]) -> list[Job[None, Decided]]:
        """One job a record; what is no decision counts nowhere and is logged by its position."""
        return [Job(plan=Counted(_decoded(raw))) for raw in records]

    def infer(self, works: Sequence[None]) -> list[ToWrite[Decided]]:
        """Never called: every job comes finished."""
        raise AssertionError("the monitor has nothing to infer")


class MonitorSink:
    """One partition's way into Redis; a compare-and-set of its offset keeps others out."""

    def __init__(self, store: Store, offsets: Offsets, cluster: str, partition: Partition) -> None:
        self._store = store
        self._offsets = offsets
        self._cluster = cluster
        self._partition = partition
        self._stored: int | None = None

    async def open(self) -> int:
        """Return the offset after the last one counted; `Fatal` where the log has no such place."""
        topic, number = self._partition
        first, _ = await self._offsets.bounds(self._partition)
        with _passing():
            self._stored = await self._store.position(self._cluster, topic, number)
        if self._stored is None:
            return first
        await self._offsets.check_end(self._partition, self._stored)
        if self._stored < first:
            log.warning(
                "%s[%d]: %d decisions expired before they were counted",
                topic,
                number,
                first - self._stored,
            )
        return max(self._stored, first)

    async def commit(self, outputs: Sequence[Decided], next_offset: int) -> None:
        """Count a batch and move the offset, or raise `LaneLost` where another monitor did."""
        topic, number = self._partition
        delta = aggregate(outputs)
        with _passing():
            moved = await self._store.apply(
                self._cluster, topic, number, self._stored, next_offset, delta
            )
        if not moved:
            raise LaneLost("the offset in Redis was moved by another monitor, or by a retry")
        self._stored = next_offset
        # Only so that tools which watch a group's lag see this one; Redis's offset is what counts.
        with suppress(LaneLost):
            await self._offsets.commit(self._partition, next_offset)

    async def went_back(self) -> bool:
        """Whether Redis stands before what was counted here: it has lost what came last."""
        topic, number = self._partition
        counted = self._stored
        if counted is None:
            return False
        with suppress(StoreError):
            return (await self._store.position(self._cluster, topic, number) or 0) < counted
        return False

    async def close(self) -> None:
        """Nothing to close: the store is shared."""


@asynccontextmanager
async def looking_back(
    sinks: Mapping[Partition, MonitorSink],
    lose: Callable[[Partition, str], None],
    every_s: float = 2.0,
) -> AsyncIterator[None]:
    """Lose lanes whose position in Redis went back, also those that nothing comes for.

    A Redis that comes back from a copy has lost totals and positions of the same moment; a lane
    with decisions on their way sees it at its next commit, an idle one would not.
    """
    task = asyncio.create_task(_look_back(sinks, lose, every_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _look_back(
    sinks: Mapping[Partition, MonitorSink], lose: Callable[[Partition, str], None], every_s: float
) -> None:
    while True:
        await asyncio.sleep(every_s)
        for partition, sink in list(sinks.items()):
            if await sink.went_back() and sinks.get(partition) is sink:
                lose(partition, "Redis has lost what was counted last, it is counted again")


@contextmanager
def _passing() -> Iterator[None]:
    """A Redis that is away for a while costs the lane, not the role."""
    try:
        yield
    except StoreError as error:
        if error.passing:
            raise LaneLost(str(error)) from error
        raise


def _decoded(raw: Raw) -> Decided | None:
    try:
        return decode_decision(raw.value)
    except Undecodable as fault:
        log.warning("%s[%d]@%d is no decision: %s", raw.topic, raw.partition, raw.offset, fault)
        return None
