"""Writing many records in order, and where the broker has transactions going on where it ended."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from consumers.errors import Fatal, LaneLost
from consumers.kafka.cluster import plain_producer
from consumers.kafka.connection import (
    REQUEST_TIMEOUT_S,
    Connection,
    close_for_good,
    fatal_for,
    lane_errors,
    quietly,
)
from consumers.kafka.offsets import committed_offset
from consumers.kafka.positions import PositionLog, record_positions
from consumers.records import Partition, Place

COMMIT_S: Final = 30.0
"""How long storing what was written may take, before the broker counts as away."""
_BATCH_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a writer's position is kept: under which name, on which topic."""

    name: str
    positions: str
    transaction_timeout_s: float


class Writer:
    """Writes records in order; what was written since the last commit is stored by the next.

    ``position`` is how far earlier writers of the same name have come, 0 where there is none to be
    known. Raises `Fatal` where the broker does not do it.
    """

    position: int = 0
    exact: bool = False
    """Whether the position is kept, in the transaction of the records."""

    def __init__(self, connection: Connection, producer: AIOKafkaProducer, topic: str) -> None:
        self._connection = connection
        self._producer = producer
        self._topic = topic
        self._waiting: list[asyncio.Future[Any]] = []

    async def add(self, key: bytes | None, value: bytes) -> None:
        """Hand a record over. Who adds must commit, or it all stays in memory."""
        async with _bulk_errors(self._connection):
            self._waiting.append(await self._producer.send(self._topic, value=value, key=key))

    async def commit(self, position: int) -> None:
        """Wait until all that was added is stored."""
        async with _bulk_errors(self._connection), asyncio.timeout(COMMIT_S):
            await self._stored()

    async def _stored(self) -> None:
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*waiting)


class ExactWriter(Writer):
    """Commits what was added and the position in one transaction.

    A position in a file is one number. One in a topic is an offset for each of its partitions, of
    which ``places`` holds those that are known.
    """

    exact = True

    def __init__(
        self, connection: Connection, producer: AIOKafkaProducer, topic: str, kept: Kept
    ) -> None:
        super().__init__(connection, producer, topic)
        self._kept = kept
        self._began = False
        self._reached: dict[Partition, int] = {}
        self.places: dict[Partition, int] = {}

    async def resume(self, of: Sequence[Partition]) -> None:
        """Fence whoever still writes under this name, then read how far it has come."""
        line = Partition(self._topic, 0)
        async with _bulk_errors(self._connection), asyncio.timeout(6 * REQUEST_TIMEOUT_S):
            await self._producer.start()
            client, name = self._producer.client, self._kept.name
            found = await PositionLog(self._kept.positions).last(client, name, {line, *of})
            self.places = {place: found[place].offset for place in of if place in found}
            # Of what an older release wrote only the broker knows how far it came.
            for place in of if not found else ():
                if offset := await committed_offset(client, name, TopicPartition(*place)):
                    self.places[place] = offset
            if line in found:
                self.position = found[line].offset
            elif not found:
                self.position = await committed_offset(client, name, TopicPartition(*line)) or 0

    async def add(self, key: bytes | None, value: bytes) -> None:
        await self._begin()
        await super().add(key, value)

    async def commit(self, position: int) -> None:
        await self.commit_places({Partition(self._topic, 0): position})

    async def commit_places(self, places: Mapping[Partition, int]) -> None:
        """Commit what was added, with the offsets that are next in a topic that is replayed."""
        await self._begin()
        async with _bulk_errors(self._connection), asyncio.timeout(COMMIT_S):
            kept, offsets = self._kept, {TopicPartition(*p): at for p, at in places.items()}
            moved = {p: Place(at, "") for p, at in places.items() if self._reached.get(p) != at}
            self._waiting += await record_positions(
                self._producer, kept.positions, kept.name, moved
            )
            await self._producer.send_offsets_to_transaction(offsets, kept.name)
            await self._stored()
            await self._producer.commit_transaction()
        self._began = False
        self._reached.update(places)

    async def _begin(self) -> None:
        if not self._began:
            async with _bulk_errors(self._connection):
                await self._producer.begin_transaction()
            self._began = True

    async def give_up(self) -> None:
        """Abort what is open: readers of committed records would wait for its time limit."""
        for future in self._waiting:
            future.cancel()
        if self._began:
            await quietly(self._producer.abort_transaction())


@asynccontextmanager
async def exact_writer(
    connection: Connection, topic: str, kept: Kept, of: Sequence[Partition] = ()
) -> AsyncIterator[ExactWriter]:
    """A writer whose position is kept, and as a consumer group's committed offset shown to tools.

    The position and the records before it are visible together or not at all. There is one writer
    of a name at a time: a new one fences the one before, and only then reads the position.
    Of the partitions ``of`` it reads that too.
    """
    producer = AIOKafkaProducer(
        **connection.options(),
        transactional_id=kept.name,
        transaction_timeout_ms=int(kept.transaction_timeout_s * 1000),
        max_batch_size=_BATCH_BYTES,
    )
    writer = ExactWriter(connection, producer, topic, kept)
    try:
        await writer.resume(of)
        yield writer
    finally:
        await writer.give_up()
        sender = producer._sender  # noqa: SLF001 - a stop cut off leaves it running
        await close_for_good(producer.client, producer.stop, sender.close)


@asynccontextmanager
async def plain_writer(connection: Connection, topic: str) -> AsyncIterator[Writer]:
    """A writer for brokers without transactions: it starts over, and retries may double a line."""
    async with plain_producer(connection, linger_ms=5, max_batch_size=_BATCH_BYTES) as producer:
        yield Writer(connection, producer, topic)


@asynccontextmanager
async def _bulk_errors(connection: Connection) -> AsyncIterator[None]:
    """Map what aiokafka raises to `Fatal`, a sentence each."""
    try:
        async with lane_errors():
            yield
    except LaneLost as lost:
        cause = lost.__cause__
        assert cause is not None
        if isinstance(cause, ProducerFenced | InvalidProducerEpoch):
            raise Fatal(
                "Another replay of the same under the same run id has taken over, or this one "
                "stood still for too long: when no other is at work, call it again to go on."
            ) from cause
        raise fatal_for(cause, connection) from cause
