"""Writing many records in order, and where the broker has transactions going on where it ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from consumers.errors import Fatal, LaneLost
from consumers.kafka.cluster import plain_producer
from consumers.kafka.connection import REQUEST_TIMEOUT_S, Connection, lane_errors, quietly, said
from consumers.kafka.offsets import committed_offset

COMMIT_S: Final = 30.0
"""How long storing what was written may take, before the broker counts as away."""
_AGAIN_S: Final = 0.2
_BATCH_BYTES: Final = 128 * 1024


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
        async with _told(self._connection):
            self._waiting.append(await self._producer.send(self._topic, value=value, key=key))

    async def commit(self, position: int) -> None:
        """Wait until all that was added is stored."""
        async with _told(self._connection), asyncio.timeout(COMMIT_S):
            await self._stored()

    async def _stored(self) -> None:
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*waiting)


class _ExactWriter(Writer):
    """Commits what was added and the position in one transaction."""

    exact = True

    def __init__(
        self, connection: Connection, producer: AIOKafkaProducer, topic: str, name: str
    ) -> None:
        super().__init__(connection, producer, topic)
        self._name = name
        self._began = False

    async def resume(self) -> None:
        """Fence whoever still writes under this name, then read how far it has come."""
        async with _told(self._connection), asyncio.timeout(6 * REQUEST_TIMEOUT_S):
            await self._producer.start()
            self.position = await self._committed()

    async def _committed(self) -> int:
        """Where a broker has just started, its groups' coordinator may still be on its way."""
        place = TopicPartition(self._topic, 0)
        while True:
            try:
                return await committed_offset(self._producer.client, self._name, place) or 0
            except KafkaError as error:
                if not error.retriable:
                    raise
            await asyncio.sleep(_AGAIN_S)

    async def add(self, key: bytes | None, value: bytes) -> None:
        await self._begin()
        await super().add(key, value)

    async def commit(self, position: int) -> None:
        await self._begin()
        async with _told(self._connection), asyncio.timeout(COMMIT_S):
            offsets = {TopicPartition(self._topic, 0): position}
            await self._producer.send_offsets_to_transaction(offsets, self._name)
            await self._stored()
            await self._producer.commit_transaction()
        self._began = False

    async def _begin(self) -> None:
        if not self._began:
            async with _told(self._connection):
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
    connection: Connection, topic: str, name: str, transaction_timeout_s: float
) -> AsyncIterator[Writer]:
    """A writer whose position is kept under ``name``, as a consumer group's committed offset.

    The position and the records before it are visible together or not at all. There is one writer
    of a name at a time: a new one fences the one before, and only then reads the position.
    """
    producer = AIOKafkaProducer(
        **connection.options(),
        transactional_id=name,
        transaction_timeout_ms=int(transaction_timeout_s * 1000),
        max_batch_size=_BATCH_BYTES,
    )
    writer = _ExactWriter(connection, producer, topic, name)
    try:
        await writer.resume()
        yield writer
    finally:
        await writer.give_up()
        await quietly(producer.stop())
        # Where stopping ran out of time the connections are still open; closing twice is fine.
        await quietly(producer.client.close())


@asynccontextmanager
async def plain_writer(connection: Connection, topic: str) -> AsyncIterator[Writer]:
    """A writer for brokers without transactions: it starts over, and retries may double a line."""
    async with plain_producer(connection, linger_ms=5, max_batch_size=_BATCH_BYTES) as producer:
        yield Writer(connection, producer, topic)


@asynccontextmanager
async def _told(connection: Connection) -> AsyncIterator[None]:
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
        raise said(cause, connection) from cause
