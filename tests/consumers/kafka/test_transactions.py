"""Transactions that hang, on a Kafka that can be made to leave one open."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from consumers import kafka
from consumers.kafka.transactions import Hanging
from consumers.records import Partition
from tests.services.jvm_kafka import JvmKafka

pytestmark = [pytest.mark.kafka, pytest.mark.exactly_once]


@pytest.fixture(scope="module")
def broker() -> Iterator[JvmKafka]:
    """A broker that does not ask the coordinator whether a transaction spans a partition."""
    with JvmKafka(settings={"transaction.partition.verification.enable": "false"}) as started:
        yield started


class Topic:
    """A topic of two partitions, and a producer that has ended a transaction in it."""

    def __init__(self, broker: JvmKafka, name: str) -> None:
        self.connection = kafka.Connection(broker.bootstrap_servers)
        self.name = name
        self.producer = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap_servers, transactional_id=name
        )

    async def transact(self, *partitions: int, commit: bool) -> None:
        await self.producer.begin_transaction()
        for number in partitions:
            await self.producer.send_and_wait(self.name, b"in order", partition=number)
        end = self.producer.commit_transaction if commit else self.producer.abort_transaction
        await end()
        for number in partitions:  # a marker comes later than the answer that the end is decided
            await self.stands_still_at(number, 2)

    async def leave_open(self, number: int) -> None:
        """Write one more record of the producer's last transaction, behind its marker."""
        manager = self.producer._txn_manager
        tp = TopicPartition(self.name, number)
        batch = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=1,
            producer_id=manager.producer_id,
            producer_epoch=manager.producer_epoch,
            base_sequence=manager.sequence_number(tp),
            batch_size=1_000,
        )
        batch.append(0, int(time.time() * 1000), None, b"left open", [])
        wanted = [(self.name, [(number, bytes(batch.build()))])]
        request = ProduceRequest(
            transactional_id=self.name, required_acks=-1, timeout=5_000, topics=wanted
        )
        leader = self.producer.client.cluster.leader_for_partition(tp)
        answer = await self.producer.client.send(leader, request)
        assert answer.topics[0][1][0][1] == 0

    async def hanging(self) -> list[Hanging]:
        return await kafka.hanging_transactions(
            self.connection, [self.name], int(time.time() * 1000) + 1
        )

    async def stands_still_at(self, number: int, offset: int) -> None:
        """Wait until a reader of committed records can come this far."""
        tp = TopicPartition(self.name, number)
        async with self.reader() as reader, asyncio.timeout(30):
            while (await reader.end_offsets([tp]))[tp] != offset:
                await asyncio.sleep(0.02)

    def reader(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self.connection.bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )

    async def committed(self, number: int) -> list[bytes]:
        """Return what a reader of committed records sees up to the last stable offset."""
        tp = TopicPartition(self.name, number)
        async with self.reader() as reader:
            reader.assign([tp])
            end = (await reader.end_offsets([tp]))[tp]
            found: list[bytes] = []
            while await reader.position(tp) < end:
                for records in (await reader.getmany(timeout_ms=500)).values():
                    found += [record.value for record in records]
            return found


@pytest.fixture
async def topic(broker: JvmKafka, unique: str) -> AsyncIterator[Topic]:
    made = Topic(broker, unique)
    await kafka.create_topics(made.connection, {unique: 2}, 1)
    await made.producer.start()
    try:
        yield made
    finally:
        await made.producer.stop()


@pytest.mark.parametrize("commit", [True, False])
async def test_it_is_found_with_the_end_that_its_coordinator_wrote_down(
    topic: Topic, commit: bool
) -> None:
    await topic.transact(0, 1, commit=commit)
    await topic.leave_open(1)
    [found] = await topic.hanging()
    assert (found.partition, found.offset) == (Partition(topic.name, 1), 2)
    assert found.committed is commit


async def test_an_end_that_nobody_wrote_down_is_not_known(topic: Topic) -> None:
    await topic.transact(0, commit=True)
    await topic.leave_open(1)
    [found] = await topic.hanging()
    assert found.committed is None


async def test_a_transaction_under_way_does_not_hang(topic: Topic) -> None:
    await topic.producer.begin_transaction()
    await topic.producer.send_and_wait(topic.name, b"under way", partition=0)
    assert await topic.hanging() == []
    await topic.producer.abort_transaction()


async def test_one_that_was_written_to_lately_is_given_time(topic: Topic) -> None:
    await topic.transact(0, 1, commit=True)
    await topic.leave_open(1)
    before = int(time.time() * 1000) - 60_000
    assert await kafka.hanging_transactions(topic.connection, [topic.name], before) == []


@pytest.mark.parametrize(
    ("commit", "seen"), [(True, [b"in order", b"left open"]), (False, [b"in order"])]
)
async def test_readers_of_committed_records_go_on_behind_the_marker_that_was_missing(
    topic: Topic, commit: bool, seen: list[bytes]
) -> None:
    await topic.transact(0, 1, commit=True)
    await topic.leave_open(1)
    [found] = await topic.hanging()
    await kafka.finish_transaction(topic.connection, found, commit=commit)
    assert await topic.hanging() == []
    assert await topic.committed(1) == seen
