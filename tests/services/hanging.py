"""A transaction that hangs, as Kafka leaves one where it is killed twice in a row."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from consumers import kafka
from tests.services.jvm_kafka import JvmKafka


@contextmanager
def trusting_broker() -> Iterator[JvmKafka]:
    """A broker that does not ask the coordinator whether a transaction spans a partition."""
    with JvmKafka(settings={"transaction.partition.verification.enable": "false"}) as started:
        yield started


class HangingTopic:
    """A topic of two partitions, and a producer that has ended a transaction in it."""

    def __init__(self, bootstrap_servers: str, name: str) -> None:
        self.connection = kafka.Connection(bootstrap_servers)
        self.name = name
        self.producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=name)

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
