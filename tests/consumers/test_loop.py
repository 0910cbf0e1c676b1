"""The loop over an input and a way out in memory, which fail where a test says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import pytest

from consumers.contracts import Clock, Job, Limits
from consumers.errors import Fatal, LaneLost
from consumers.lanes import ToWrite
from consumers.loop import Loop
from consumers.records import Partition, Raw

CLOCK = Clock(time.monotonic, lambda: datetime.now(UTC))
LIMITS = Limits(
    in_flight=16, fetch_records=4, batch_items=3, engines=2, commit_wait_s=0.001, retry_s=0.01,
    longest_retry_s=0.01, revoke_s=0.5, stop_s=5.0,
)  # fmt: skip
DEADLINE_S = 20.0


@dataclass
class Log:
    """Partitions of numbered records, what was committed of them, and the faults to come."""

    partitions: int = 2
    records: int = 40
    committed: dict[Partition, int] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)
    poll_faults: int = 0
    commit_faults: int = 0
    refusal: Fatal | None = None
    most_held: int = 0

    @property
    def names(self) -> list[Partition]:
        return [Partition("in", number) for number in range(self.partitions)]

    @property
    def done(self) -> bool:
        return len(self.written) >= self.partitions * self.records


class MemoryReader:
    """Reads a log as aiokafka does: a poll that fails has moved on all the same."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.at: dict[Partition, int] = dict.fromkeys(log.names, 0)

    async def start(
        self,
        assigned: Callable[[Sequence[Partition]], None],
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        assigned(self.log.names)

    async def poll(
        self, partitions: Sequence[Partition], *, timeout_s: float, max_records: int
    ) -> dict[Partition, list[Raw]]:
        await asyncio.sleep(0)
        fetched = {}
        for partition in partitions:
            start = self.at[partition]
            stop = min(start + max_records, self.log.records)
            self.at[partition] = stop
            fetched[partition] = [
                Raw(*partition, offset, None, b"x", CLOCK.monotonic())
                for offset in range(start, stop)
            ]
            max_records -= stop - start
            if max_records == 0:
                break
        if self.log.poll_faults and any(fetched.values()):
            self.log.poll_faults -= 1
            raise LaneLost("a partition beside it is broken")
        return fetched

    def seek(self, partition: Partition, offset: int) -> None:
        self.at[partition] = offset

    async def stop(self) -> None:
        """Nothing to leave."""


class MemorySink:
    """Writes and moves the offset together, or does neither and loses the lane."""

    def __init__(self, log: Log, partition: Partition) -> None:
        self.log = log
        self.partition = partition

    async def open(self) -> int:
        return self.log.committed.get(self.partition, 0)

    async def commit(self, outputs: Sequence[tuple[int, int]], next_offset: int) -> None:
        await asyncio.sleep(0)
        if self.log.refusal is not None:
            raise self.log.refusal
        if self.log.commit_faults:
            self.log.commit_faults -= 1
            raise LaneLost("the transaction was aborted")
        self.log.written += outputs
        self.log.committed[self.partition] = next_offset

    async def close(self) -> None:
        """Nothing to close."""


class Place(NamedTuple):
    """A record of which its place is written."""

    partition: int
    offset: int

    def at(self, moment: datetime, ms: float) -> list[tuple[int, int]]:
        return [(self.partition, self.offset)]


class Echo:
    """Writes each record's place; even offsets take a model, odd ones do not."""

    def prepare(self, records: Sequence[Raw]) -> list[Job[Raw, tuple[int, int]]]:
        return [
            Job(work=raw, tokens=1 + raw.offset % 7) if raw.offset % 2 == 0 else Job(plan=_at(raw))
            for raw in records
        ]

    def infer(self, works: Sequence[Raw]) -> list[ToWrite[tuple[int, int]]]:
        return [_at(raw) for raw in works]


def _at(raw: Raw) -> ToWrite[tuple[int, int]]:
    return Place(raw.partition, raw.offset)


async def moved(log: Log, limits: Limits = LIMITS) -> None:
    """Run a loop until everything is written."""
    loop = Loop(MemoryReader(log), partial(MemorySink, log), Echo(), limits, CLOCK)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(DEADLINE_S):
        while not log.done and not running.done():
            log.most_held = max(log.most_held, loop.held)
            await asyncio.sleep(0)
        stop.set()
        await running


def once_each(log: Log) -> list[tuple[int, int]]:
    return [(partition, at) for partition in range(log.partitions) for at in range(log.records)]


async def test_everything_is_written_once_and_in_the_order_of_its_partition() -> None:
    log = Log()
    await moved(log)
    assert sorted(log.written) == once_each(log)
    for number in range(log.partitions):
        assert [at for partition, at in log.written if partition == number] == list(range(40))


async def test_a_poll_that_fails_after_moving_on_loses_no_record() -> None:
    log = Log(poll_faults=5)
    await moved(log)
    assert sorted(log.written) == once_each(log)


async def test_an_aborted_commit_is_done_again_and_not_twice() -> None:
    log = Log(commit_faults=7)
    await moved(log)
    assert sorted(log.written) == once_each(log)


async def test_no_more_records_are_held_than_may_be_in_flight() -> None:
    log = Log(partitions=5)
    await moved(log, replace(LIMITS, in_flight=7))
    assert 0 < log.most_held <= 7
    assert sorted(log.written) == once_each(log)


async def test_what_cannot_go_on_ends_the_role_with_its_sentence() -> None:
    log = Log(refusal=Fatal("No more of this: do that."))
    with pytest.raises(Fatal, match=r"No more of this: do that\."):
        await moved(log)


async def test_a_cancellation_that_is_not_ours_ends_the_role_instead_of_stalling_it() -> None:
    log = Log()

    class Cancelling(MemoryReader):
        async def poll(
            self, partitions: Sequence[Partition], *, timeout_s: float, max_records: int
        ) -> dict[Partition, list[Raw]]:
            raise asyncio.CancelledError

    loop = Loop(Cancelling(log), partial(MemorySink, log), Echo(), LIMITS, CLOCK)
    with pytest.raises(Fatal, match="cancelled by a library"):
        async with asyncio.timeout(DEADLINE_S):
            await loop.run(asyncio.Event())


async def test_a_way_out_that_is_still_opening_is_closed_although_it_is_cut_off_twice() -> None:
    log, opening, closed = Log(), list[Partition](), list[Partition]()

    class Slow(MemorySink):
        async def open(self) -> int:
            opening.append(self.partition)
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

        async def close(self) -> None:
            await asyncio.sleep(0)
            closed.append(self.partition)

    # Hardly any time to end: the second cancellation comes while the first is seen to.
    limits = replace(LIMITS, revoke_s=0.01, settle_s=0.1)
    stop = asyncio.Event()
    running = asyncio.create_task(
        Loop(MemoryReader(log), partial(Slow, log), Echo(), limits, CLOCK).run(stop)
    )
    async with asyncio.timeout(DEADLINE_S):
        while len(opening) < log.partitions:
            await asyncio.sleep(0)
        stop.set()
        await running
    assert sorted(closed) == log.names
