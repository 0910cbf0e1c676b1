"""A lane's way out: in transactions, or without where the broker has none."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import OffsetAndMetadata

from consumers.errors import Fatal
from consumers.kafka.connection import Connection, Member, close_for_good, lane_errors
from consumers.kafka.ledger import Ledger
from consumers.kafka.offsets import committed_place
from consumers.kafka.outputs import Outputs
from consumers.kafka.positions import PositionLog, record_positions
from consumers.kafka.source import Source
from consumers.records import Partition, Place
from router.plan import Output

_OPEN_S: Final = 60.0
_COMMIT_S: Final = 30.0


class TransactionalSink:
    """A lane's way out: records and position in one transaction of the partition's own producer."""

    def __init__(
        self,
        connection: Connection,
        member: Member,
        source: Source,
        ledger: Ledger,
        partition: Partition,
        topics: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._member = member
        self._source = source
        self._ledger = ledger
        self._partition = partition
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> int:
        """Fence the previous owner, then return the offset to read from."""
        async with lane_errors():
            self._producer = transactional(self._connection, self._member, self._partition)
            await self._producer.start()
        return await self._ledger.open(self._partition, self._producer, self._source.check_end)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Write all outputs and the position, or raise `LaneLost` having written neither."""
        assert self._producer is not None
        places = {self._partition: Place(next_offset, "")}
        sending = _Sending(self._topics, self._ledger.topic, self._member.group)
        await _commit(self._producer, outputs, places, sending)
        self._ledger.committed(self._partition, next_offset)

    async def close(self) -> None:
        """Drop the producer; an open transaction is aborted by the next owner or its time limit."""
        if self._producer is not None:
            await close_producer(self._producer)


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
        positions: str,
        outputs: Outputs,
    ) -> None:
        """``positions`` is the topic that the place is recorded on."""
        self._partition = partition
        self._positions = PositionLog(positions)
        self._outputs = outputs
        self._sending = _Sending(topics, positions, member.group)
        self._producer = transactional(connection, member, partition)

    async def open(self) -> Place | None:
        """Fence the previous owner, then return the place to go on from; None where there is none.

        A place of which nothing is recorded was committed by an older release. Raises `LaneLost`,
        and `Fatal` where there is no place, but records were moved.
        """
        group, partition = self._sending.group, self._partition
        async with lane_errors(), asyncio.timeout(_OPEN_S):
            await self._producer.start()
            client = self._producer.client
            recorded = await self._positions.last(client, group, [partition])
            if partition in recorded:
                return recorded[partition]
            place = await committed_place(client, group, TopicPartition(*partition))
            if place is None:
                await self._check_new(client)
            return place

    async def _check_new(self, client: AIOKafkaClient) -> None:
        moved = await self._outputs.answered(client, self._partition)
        if moved is not None:
            topic, number = self._partition
            group = self._sending.group
            raise Fatal(
                f"The broker says that {group} never came to {topic}[{number}], but records up to "
                f"{moved - 1} of it were moved. Call this again in a minute; where it stays so, "
                "set the position with `edgeroute positions set "
                f"{group.rpartition('.')[2]} {number} --to {moved}`."
            )

    async def commit(self, outputs: Sequence[Output], place: Place) -> None:
        """Write all outputs and the place, or raise `LaneLost` having written neither."""
        async with asyncio.timeout(_COMMIT_S):
            await _commit(self._producer, outputs, {self._partition: place}, self._sending)

    async def close(self) -> None:
        """Drop the producer; an open transaction is aborted by the next owner or its time limit."""
        await close_producer(self._producer)


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


@dataclass(frozen=True, slots=True)
class _Sending:
    """Where a transaction's records go: outputs by role, the position, and whose it is."""

    topics: Mapping[str, str]
    positions: str
    group: str


def transactional(connection: Connection, member: Member, partition: Partition) -> AIOKafkaProducer:
    """Return the producer of a lane, not started: starting it fences the one before."""
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
    places: Mapping[Partition, Place],
    to: _Sending,
) -> None:
    """Write all outputs and the group's places, or raise `LaneLost` having written neither."""
    offsets = {TopicPartition(*of): OffsetAndMetadata(*place) for of, place in places.items()}
    async with lane_errors():
        await producer.begin_transaction()
        sent = await enqueue(producer, outputs, to.topics)
        sent += await record_positions(producer, to.positions, to.group, places)
        # The offset travels beside the records: one round trip less, and nothing is visible
        # before the commit, which comes only when all of it has arrived.
        await producer.send_offsets_to_transaction(offsets, to.group)
        await asyncio.gather(*sent)
        await producer.commit_transaction()


async def close_producer(producer: AIOKafkaProducer) -> None:
    """Drop a producer of ours, whatever state it is in."""
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
