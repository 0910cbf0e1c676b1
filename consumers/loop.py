"""The one loop that moves records: fetch, prepare, infer, commit, lane beside lane.

    poll ─> lane.accept ─> prepare (thread) ─> pending ─> micro-batch ─> infer (threads)
      ▲                                                                      │ lane.finish
      └── room ── lane.committed ◄── one transaction of the finished front ◄─┘

How a record gets out, in steps:
1. On assignment a lane starts: its sink opens (fencing whoever had the partition before), and only
   then the lane's position is read and sought.
2. Records are taken into the lane current at the step of the fetch; no await lies between.
3. A micro-batch may mix lanes; each record goes back to the lane it came in by.
4. A lane commits the finished records at its front and the offset behind them, in one transaction.
5. Whatever goes wrong in 4 closes the lane: all that is in flight in it is dropped, and a new lane
   starts at 1. On revocation the open commit is given a budget, then cancelled.
Everything that waits is bounded by what the lanes may hold.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from consumers.contracts import Clock, Handler, Limits, Reader, Sink
from consumers.errors import Fatal, LaneLost
from consumers.lanes import Lane, Slot, State
from consumers.records import Partition, Raw
from router.batching import next_batch

log = logging.getLogger(__name__)
_WINDOW: Final = 512
"""The oldest records that a micro-batch is chosen from: more pads 0.4 % less, and takes longer."""
W = TypeVar("W")
E = TypeVar("E")


@dataclass(slots=True, eq=False)
class _Pending(Generic[W, E]):
    slot: Slot[E]
    work: W
    tokens: int
    since: float


class Loop(Generic[W, E]):
    """Runs one role until told to stop, or until something `Fatal` happens."""

    def __init__(
        self,
        reader: Reader,
        sink_of: Callable[[Partition], Sink[E]],
        handler: Handler[W, E],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._sink_of = sink_of
        self._handler = handler
        self._limits = limits
        self._clock = clock
        self._threads = ThreadPoolExecutor(limits.engines + 1, thread_name_prefix="loop")
        self._lanes: dict[Partition, Lane[E]] = {}
        self._generation = 0
        self._lost: dict[Partition, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: set[asyncio.Task[None]] = set()
        self._driving: dict[Lane[E], asyncio.Task[None]] = {}
        self._pending: list[_Pending[W, E]] = []
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._stopping = False
        self._failure: asyncio.Future[None] | None = None

    @property
    def held(self) -> int:
        """Records in all lanes, from fetched to committed."""
        return sum(len(lane.slots) for lane in self._lanes.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Move records until ``stop`` is set, then drain within the budget and leave the group."""
        self._failure = asyncio.get_running_loop().create_future()
        try:
            await self._reader.start(self._assigned, self._revoked)
            self._spawn(self._fetch())
            self._spawn(self._batch())
            stopping = asyncio.ensure_future(stop.wait())
            ends: list[asyncio.Future[Any]] = [stopping, self._failure]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not self._failure.done():
                await self._drain()
            if self._failure.done():
                self._failure.result()
        finally:
            await self._shut()

    # -- rebalance: called by the reader beside the loop -------------------------------------------

    def _assigned(self, partitions: Sequence[Partition]) -> None:
        log.info("assigned %d partitions", len(partitions))
        if self._stopping:  # the reader is about to close, and an opening would outlive it
            return
        for partition in partitions:
            self._start_lane(partition)

    async def _revoked(self) -> None:
        """Close all lanes (rebalances are eager); let open commits end within the budget."""
        lanes, self._lanes = self._lanes, {}
        for lane, task in self._driving.items():
            if not lane.is_open:  # opening, or waiting to start again: nothing to bring to an end
                self._cancel(task)
        for lane in lanes.values():
            lane.close()
        self._pending = [p for p in self._pending if p.slot.lane.state is not State.CLOSED]
        await self._end(set(self._driving.values()), self._limits.revoke_s)

    def _start_lane(self, partition: Partition) -> None:
        self._generation += 1
        lane: Lane[E] = Lane(partition, self._generation)
        self._lanes[partition] = lane
        task = self._spawn(self._drive(lane))
        self._driving[lane] = task
        task.add_done_callback(lambda _: self._driving.pop(lane, None))

    # -- one lane ----------------------------------------------------------------------------------

    def lose(self, partition: Partition, why: str) -> None:
        """Start a lane anew, for whoever sees that its position is no longer the one it had."""
        lane = self._lanes.get(partition)
        if lane is not None and lane.is_open:
            log.warning("%s[%d]: lane lost: %s", *partition, why)
            lane.close()

    async def _drive(self, lane: Lane[E]) -> None:
        """Open the lane's way out, commit through it until it closes, start anew if it was lost."""
        sink = self._sink_of(lane.partition)
        # A task of its own: a client that is cut off while it connects leaves its connection open.
        opening = asyncio.create_task(sink.open())
        try:
            async with asyncio.timeout(self._limits.open_s):
                position = await asyncio.shield(opening)
            if lane.state is State.CLOSED:
                return
            # No await between these two: a poll must not see an open lane before it is sought.
            self._reader.seek(lane.partition, position)
            lane.opened(position)
            self._changed.set()
            await self._commit_fronts(lane, sink)
        except (LaneLost, TimeoutError) as error:
            log.warning("%s[%d]: lane lost: %s", *lane.partition, str(error) or "out of time")
        finally:
            lane.close()
            await _unbroken(_let_go(opening, self._limits.settle_s, sink.close))
        self._pending = [p for p in self._pending if p.slot.lane is not lane]
        await self._start_again(lane)

    async def _start_again(self, lane: Lane[E]) -> None:
        """Start a lane that was lost anew, later each time while nothing gets through it."""
        if self._lanes.get(lane.partition) is not lane or self._stopping:
            return
        lost = self._lost.get(lane.partition, 0)
        self._lost[lane.partition] = lost + 1
        doubled = self._limits.retry_s * 2 ** min(lost, 10)
        await asyncio.sleep(min(doubled, self._limits.longest_retry_s))
        if self._lanes.get(lane.partition) is lane:
            self._start_lane(lane.partition)

    async def _commit_fronts(self, lane: Lane[E], sink: Sink[E]) -> None:
        limits, last = self._limits, self._clock.monotonic()
        while lane.is_open:
            await lane.wake.wait()
            lane.wake.clear()
            front = lane.finished_front(limits.transaction_records)
            if not front or not lane.is_open:
                continue
            # A transaction costs the same for one record as for a hundred, so a lane with more on
            # its way lets them gather; an idle one does not keep its last record waiting.
            more = len(front) < min(len(lane.slots), limits.transaction_records)
            left = limits.commit_wait_s - (self._clock.monotonic() - last)
            if more and left > 0:
                await _wait(lane.wake, left)
                lane.wake.set()
                continue
            last = self._clock.monotonic()
            lane.move(State.COMMITTING)
            lane.wake.clear()
            async with asyncio.timeout(self._limits.commit_s):
                await sink.commit(self._outputs(front), front[-1].offset + 1)
            if lane.state is State.COMMITTING:
                lane.committed(front)
                self._lost.pop(lane.partition, None)
                self._changed.set()

    def _outputs(self, front: Sequence[Slot[E]]) -> list[E]:
        moment, tick = self._clock.now(), self._clock.monotonic()
        return [
            output
            for slot in front
            if slot.plan is not None
            for output in slot.plan.at(moment, (tick - slot.fetched_at) * 1000)
        ]

    # -- the pipeline ------------------------------------------------------------------------------

    async def _fetch(self) -> None:
        limits = self._limits
        while not self._stopping:
            opened = [lane for lane in self._lanes.values() if lane.is_open]
            # Each lane has its own share, or a busy one would leave the others no room.
            share = max(limits.in_flight // max(len(opened), 1), 1)
            roomy = [lane for lane in opened if lane.has_room(share, limits.lane_bytes)]
            room = limits.in_flight - self.held
            if not roomy or room <= 0:
                if not opened:  # what keeps us out of the group is only told to who polls
                    await self._poll([], timeout_s=0, max_records=1)
                await _wait(self._changed, 1.0)
                continue
            # A lane left out now may have room soon: look again early.
            wait = 0.1 if len(roomy) == len(self._lanes) else 0.01
            records = min(limits.fetch_records, share, room)
            arrived = self._take_in(await self._poll(roomy, timeout_s=wait, max_records=records))
            if arrived:
                await self._prepare(arrived)

    async def _poll(
        self, lanes: Sequence[Lane[E]], *, timeout_s: float, max_records: int
    ) -> dict[Partition, list[Raw]]:
        """Poll these lanes; where that fails, go back to what each of them really took in."""
        try:
            return await self._reader.poll(
                [lane.partition for lane in lanes], timeout_s=timeout_s, max_records=max_records
            )
        except LaneLost as error:
            log.warning("%s; trying again", error)
        for lane in self._lanes.values():
            if lane.is_open:
                with suppress(LaneLost):  # no longer ours: the next owner reads it
                    self._reader.seek(lane.partition, lane.expected)
        await asyncio.sleep(self._limits.retry_s)
        return {}

    def _take_in(self, fetched: dict[Partition, list[Raw]]) -> list[tuple[Slot[E], Raw]]:
        """Bind fetched records to the lanes current now; those without an open lane are dropped."""
        arrived: list[tuple[Slot[E], Raw]] = []
        for partition, records in fetched.items():
            lane = self._lanes.get(partition)
            if lane is None:
                continue
            try:
                arrived.extend(zip(lane.accept(records), records, strict=False))
            except LaneLost as error:
                self.lose(partition, str(error))
        return arrived

    async def _prepare(self, arrived: Sequence[tuple[Slot[E], Raw]]) -> None:
        records = [record for _, record in arrived]
        jobs = await self._in_thread(self._handler.prepare, records)
        now = self._clock.monotonic()
        for (slot, _), job in zip(arrived, jobs, strict=True):
            if job.plan is not None:
                slot.lane.finish(slot, job.plan)
            elif slot.lane.state is not State.CLOSED:
                assert job.work is not None
                self._pending.append(_Pending(slot, job.work, job.tokens, now))
        self._arrived.set()

    async def _batch(self) -> None:
        engines = asyncio.Semaphore(self._limits.engines)
        while True:
            await engines.acquire()
            batch = await self._next_batch()
            self._spawn(self._infer(batch)).add_done_callback(lambda _: engines.release())

    async def _next_batch(self) -> list[_Pending[W, E]]:
        """Return a full micro-batch, or what is there once the oldest has waited long enough."""
        limits = self._limits
        while True:
            self._arrived.clear()
            if not self._pending:
                await self._arrived.wait()
                continue
            left = limits.batch_wait_s - (self._clock.monotonic() - self._pending[0].since)
            tokens = sum(p.tokens for p in self._pending[: limits.batch_items])
            if (
                left <= 0
                or len(self._pending) >= limits.batch_items
                or tokens >= limits.batch_tokens
            ):
                return self._pick()
            await _wait(self._arrived, left)

    def _pick(self) -> list[_Pending[W, E]]:
        picked = next_batch(
            [p.tokens for p in self._pending[:_WINDOW]],
            max_tokens=self._limits.batch_tokens,
            max_items=self._limits.batch_items,
        )
        batch = [self._pending[i] for i in picked]
        taken = set(picked)
        self._pending = [p for i, p in enumerate(self._pending) if i not in taken]
        return batch

    async def _infer(self, batch: Sequence[_Pending[W, E]]) -> None:
        plans = await self._in_thread(self._handler.infer, [p.work for p in batch])
        for pending, plan in zip(batch, plans, strict=True):
            pending.slot.lane.finish(pending.slot, plan)

    async def _in_thread(self, work: Callable[[list[Any]], Sequence[Any]], items: list[Any]) -> Any:
        try:
            async with asyncio.timeout(self._limits.stall_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, items)
        except TimeoutError:
            raise Fatal(
                f"The model has not answered for {self._limits.stall_s:.0f} s: "
                "look at the load of this machine, then start this again."
            ) from None

    # -- life and death ----------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task in self._cancelled:
            self._cancelled.discard(task)
            return
        # A cancellation that is not ours would end a part of the loop without a word.
        cut_off = Fatal("A part of the loop was cancelled by a library: start this again.")
        error = cut_off if task.cancelled() else task.exception()
        if error is not None and self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        if not task.done():
            self._cancelled.add(task)
            task.cancel()

    async def _end(self, tasks: set[asyncio.Task[None]], budget_s: float) -> None:
        """Give tasks a budget, then cancel them and wait for their end."""
        if tasks and budget_s > 0:
            await asyncio.wait(tasks, timeout=budget_s)
        for task in tasks:
            self._cancel(task)
        if tasks:
            await asyncio.wait(tasks)

    async def _drain(self) -> None:
        """Fetch no more; wait until every lane has committed what it holds, within the budget."""
        log.info("stopping: finishing what is in flight")
        self._stopping = True
        deadline = self._clock.monotonic() + self._limits.stop_s
        while any(lane.slots for lane in self._lanes.values()):
            left = deadline - self._clock.monotonic()
            if left <= 0 or (self._failure is not None and self._failure.done()):
                break
            self._changed.clear()
            await _wait(self._changed, min(left, 0.5))

    async def _shut(self) -> None:
        self._stopping = True
        await self._revoked()
        await self._reader.stop()
        await self._end(set(self._tasks), 0.0)
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None and self._failure.done():
            self._failure.exception()  # retrieved: the caller has been told


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for the event at most this long, then clear it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()


async def _let_go(
    opening: asyncio.Task[int], within_s: float, close: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Let an opening that nobody waits for any more come to its end, or cut it off; then close."""
    await asyncio.wait([opening], timeout=within_s)
    if not opening.cancel() and not opening.cancelled():
        opening.exception()  # retrieved: whoever waited was told, or does not want to know
    await close()


async def _unbroken(work: Coroutine[Any, Any, None]) -> None:
    """Carry work through although we are cancelled meanwhile; it must have an end of its own."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
