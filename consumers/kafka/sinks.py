"""A lane's way out: in transactions, or without where the broker has none."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from consumers.kafka.connection import Connection, Member, close_for_good, lane_errors
from consumers.kafka.offsets import committed_place
from consumers.kafka.source import Source
from consumers.lanes import Partition, Place
from router.plan import Output

_OPEN_S: Final = 60.0
_COMMIT_S: Final = 30.0
_AGAIN_S: Final = 0.2


class TransactionalSink:
    """A lane's way out: records and offset in one transaction of the partition's own producer."""

    def __init__(
        self,
        connection: Connection,
        member: Member,
        source: Source,
        partition: Partition,
        topics: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._member = member
        self._source = source
        self._partition = partition
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> int:
        """Fence the previous owner, then return the offset to read from."""
        async with lane_errors():
            self._producer = _transactional(self._connection, self._member, self._partition)
            await self._producer.start()
        return await self._source.committed(self._partition, self._producer.client)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Write all outputs and the next offset, or raise `LaneLost` having written neither."""
        assert self._producer is not None
        place = {TopicPartition(*self._partition): OffsetAndMetadata(next_offset, "")}
        await _commit(self._producer, outputs, self._topics, place, self._member.group)

    async def close(self) -> None:
        """Drop the producer; an open transaction is aborted by the next owner or its time limit."""
        if self._producer is not None:
            await _close(self._producer)


class Mover:
    """Moves what one partition holds: outputs, the place and a note of it in one transaction.

    As `TransactionalSink`, for a command that reads a partition by itself, outside the group whose
    place it keeps: opening fences whoever moved the partition before.
    """

    def __init__(
        self,
        connection: Connection,
        member: Member,
        partition: Partition,
        topics: Mapping[str, str],
    ) -> None:
        self._member = member
        self._tp = TopicPartition(*partition)
        self._topics = topics
        self._producer = _transactional(connection, member, partition)

    async def open(self) -> Place | None:
        """Fence the previous owner, then return the place to go on from; None where there is none.

        Raises `LaneLost`.
        """
        async with lane_errors(), asyncio.timeout(_OPEN_S):
            await self._producer.start()
            while True:
                try:
                    return await committed_place(
                        self._producer.client, self._member.group, self._tp
                    )
                except KafkaError as error:
                    # A new broker only makes its topic of offsets when the first group asks.
                    if not error.retriable:
                        raise
                await asyncio.sleep(_AGAIN_S)

    async def commit(self, outputs: Sequence[Output], place: Place) -> None:
        """Write all outputs and the place, or raise `LaneLost` having written neither."""
        offset = {self._tp: OffsetAndMetadata(*place)}
        async with lane_errors(), asyncio.timeout(_COMMIT_S):
            await _commit(self._producer, outputs, self._topics, offset, self._member.group)

    async def close(self) -> None:
        """Drop the producer; an open transaction is aborted by the next owner or its time limit."""
        await _close(self._producer)


class PlainSink:
    """A lane's way out where the broker has no transactions: records first, then the offset."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        source: Source,
        partition: Partition,
        topics: Mapping[str, str],
    ) -> None:
        self._producer = producer
        self._source = source
        self._partition = partition
        self._topics = topics

    async def open(self) -> int:
        """Return the offset to read from."""
        return await self._source.committed(self._partition, self._producer.client)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Write all outputs, then the offset: a failure between the two repeats the outputs."""
        async with lane_errors():
            await asyncio.gather(*await enqueue(self._producer, outputs, self._topics))
        await self._source.commit(self._partition, next_offset)

    async def close(self) -> None:
        """Nothing to close: the producer is shared."""


def _transactional(
    connection: Connection, member: Member, partition: Partition
) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **connection.options(),
        transactional_id=f"{member.group}.{partition.topic}.{partition.number}",
        transaction_timeout_ms=int(member.transaction_timeout_s * 1000),
        max_request_size=member.max_request_bytes,
        max_batch_size=256 * 1024,
    )


async def _commit(
    producer: AIOKafkaProducer,
    outputs: Sequence[Output],
    topics: Mapping[str, str],
    place: Mapping[TopicPartition, OffsetAndMetadata],
    group: str,
) -> None:
    """Write all outputs and the group's place, or raise `LaneLost` having written neither."""
    async with lane_errors():
        await producer.begin_transaction()
        sent = await enqueue(producer, outputs, topics)
        # The offset travels beside the records: one round trip less, and nothing is visible
        # before the commit, which comes only when all of it has arrived.
        await producer.send_offsets_to_transaction(place, group)
        await asyncio.gather(*sent)
        await producer.commit_transaction()


async def _close(producer: AIOKafkaProducer) -> None:
    sender = producer._sender  # noqa: SLF001 - a stop cut off leaves it running
    await close_for_good(producer.client, producer.stop, sender.close)


async def enqueue(
    producer: AIOKafkaProducer, outputs: Sequence[Output], topics: Mapping[str, str]
) -> list["asyncio.Future[Any]"]:
    """Hand all outputs to the producer; return what tells when each is stored."""
    return [
        await producer.send(
            topics[output.topic], value=output.value, key=output.key, headers=list(output.headers)
        )
        for output in outputs
    ]
