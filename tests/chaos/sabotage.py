"""The program with one thing done wrong, to show that a chaos run notices.

``python -m tests.chaos.sabotage WRONG run edge`` patches its own process only, then is `edgeroute`.

- ``one-producer``: the way aiokafka documents it. One transactional producer serves all partitions
  of a process, so taking a partition over fences nobody.
- ``stale-batch``: what was fetched under an earlier assignment of a partition leaves through its
  current lane, which reads the same records again.
- ``past-unfinished``: a lane commits whatever is finished, and the offset behind the last of it,
  passing over records that are not.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition

from consumers import kafka, lanes
from consumers.errors import LaneLost
from consumers.lanes import Lane, Slot
from consumers.records import Partition
from edgeroute import cli
from router.plan import Output


class SharedSink:
    """A lane's way out through the one producer of this process."""

    producer: AIOKafkaProducer | None = None
    busy = asyncio.Lock()

    def __init__(
        self,
        connection: kafka.Connection,
        member: kafka.Member,
        source: kafka.Source,
        ledger: kafka.Ledger,
        partition: Partition,
        topics: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._member = member
        self._source = source
        self._partition = partition
        self._topics = topics

    async def open(self) -> int:
        async with SharedSink.busy, kafka.lane_errors():
            if SharedSink.producer is None:
                producer = AIOKafkaProducer(
                    **self._connection.options(),
                    transactional_id=f"{self._member.group}.{os.getpid()}",
                    transaction_timeout_ms=int(self._member.transaction_timeout_s * 1000),
                )
                await producer.start()
                SharedSink.producer = producer
        assert SharedSink.producer is not None
        return await self._source.committed(self._partition, SharedSink.producer.client)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        async with SharedSink.busy:
            producer = SharedSink.producer
            if producer is None:
                raise LaneLost("the shared producer is gone")
            try:
                async with kafka.lane_errors(), producer.transaction():
                    await asyncio.gather(*await kafka.enqueue(producer, outputs, self._topics))
                    await producer.send_offsets_to_transaction(
                        {TopicPartition(*self._partition): next_offset}, self._member.group
                    )
            except BaseException:
                SharedSink.producer = None
                await kafka.quietly(producer.stop())
                raise

    async def close(self) -> None:
        """Nothing to close: the producer is shared."""


def one_producer() -> None:
    """Serve every lane by one producer."""
    setattr(kafka, "TransactionalSink", SharedSink)  # noqa: B010 - a patch, and meant as one


_left: Final[dict[Partition, list[Slot[Any]]]] = {}
"""What lanes of this process were about to commit when they closed, by partition."""


def stale_batch() -> None:
    """Let the finished front of a closed lane leave through the partition's next lane."""
    close, opened = Lane.close, Lane.opened

    def keeping_close(lane: Lane[Any]) -> None:
        front = lane.finished_front(len(lane.slots))
        if front:
            _left[lane.partition] = front
        close(lane)

    def carrying_opened(lane: Lane[Any], position: int) -> None:
        opened(lane, position)
        for slot in _left.pop(lane.partition, []):
            slot.lane = lane
            lane.slots.append(slot)
            lane.bytes_held += slot.size

    _patch(close=keeping_close, opened=carrying_opened)


def past_unfinished() -> None:
    """Let a lane commit what is finished, wherever it stands."""

    def finished(lane: Lane[Any], limit: int) -> list[Slot[Any]]:
        return [slot for slot in lane.slots if slot.plan is not None][:limit]

    def finish(lane: Lane[Any], slot: Slot[Any], plan: lanes.ToWrite[Any]) -> None:
        if lane.is_open:
            slot.plan = plan
            lane.wake.set()

    def committed(lane: Lane[Any], front: Sequence[Slot[Any]]) -> None:
        lane.move(lanes.State.READY)
        for slot in front:
            lane.slots.remove(slot)
            lane.bytes_held -= slot.size
        lane.position = front[-1].offset + 1

    _patch(finished_front=finished, finish=finish, committed=committed)


def _patch(**methods: Any) -> None:
    for name, method in methods.items():
        setattr(Lane, name, method)


WRONGS: Final = {
    "one-producer": one_producer,
    "stale-batch": stale_batch,
    "past-unfinished": past_unfinished,
}


if __name__ == "__main__":
    WRONGS[sys.argv.pop(1)]()
    cli.main()
