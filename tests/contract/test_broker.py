"""What the system takes for granted about brokers, checked on every kind of broker there is.

These tests speak aiokafka directly: they describe the ground the Kafka adapter stands on, so that a
new version of a broker or of the client that moves it is noticed here.
"""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, UnknownError

from tests.services.choose import Broker
from tests.services.topics import create_topics

pytestmark = pytest.mark.kafka

WITHIN = 30.0
MEGABYTE = 1024 * 1024


def producer(broker: Broker, **options: object) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, **options)


def consumer(broker: Broker, *topics: str, **options: object) -> AIOKafkaConsumer:
    """A consumer from the beginning that commits only when it is told to."""
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        # The shortest that Kafka allows; the embedded broker makes a group wait for half of it.
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
        **options,
    )


def transactional(broker: Broker, name: str) -> AIOKafkaProducer:
    return producer(broker, transactional_id=name, transaction_timeout_ms=15_000)


async def values(reader: AIOKafkaConsumer, count: int) -> list[bytes]:
    async with asyncio.timeout(WITHIN):
        return [(await reader.getone()).value for _ in range(count)]


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WITHIN):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"within {WITHIN:g} s it did not come about that {what}")


async def committed(broker: Broker, group: str, partition: TopicPartition) -> int | None:
    async with consumer(broker, group_id=group) as reader:
        reader.assign([partition])
        offset: int | None = await reader.committed(partition)
        return offset


async def test_records_of_a_partition_arrive_in_the_order_they_were_sent(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique)
    async with producer(each_broker) as writer:
        for number in range(20):
            await writer.send(unique, b"%d" % number)
        await writer.flush()
    async with consumer(each_broker, unique) as reader:
        assert await values(reader, 20) == [b"%d" % number for number in range(20)]


async def test_a_record_keeps_its_key_and_headers(each_broker: Broker, unique: str) -> None:
    await create_topics(each_broker.bootstrap_servers, unique)
    headers = [("kind", b"x"), ("empty", b"")]
    async with producer(each_broker) as writer:
        await writer.send_and_wait(unique, b"value", key=b"key", headers=headers)
    async with consumer(each_broker, unique) as reader, asyncio.timeout(WITHIN):
        record = await reader.getone()
    assert (record.key, list(record.headers)) == (b"key", headers)


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
async def test_a_compressed_record_arrives(
    each_broker: Broker, unique: str, compression: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique)
    async with producer(each_broker, compression_type=compression) as writer:
        await writer.send_and_wait(unique, b"a" * 10_000)
    async with consumer(each_broker, unique) as reader:
        assert await values(reader, 1) == [b"a" * 10_000]


async def test_a_record_of_a_megabyte_arrives(each_broker: Broker, unique: str) -> None:
    await create_topics(
        each_broker.bootstrap_servers, unique, settings={"max.message.bytes": str(4 * MEGABYTE)}
    )
    async with producer(each_broker, max_request_size=4 * MEGABYTE) as writer:
        await writer.send_and_wait(unique, b"a" * MEGABYTE)
    async with consumer(each_broker, unique) as reader:
        assert await values(reader, 1) == [b"a" * MEGABYTE]


async def test_a_group_divides_the_partitions_between_its_members(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique, partitions=4)
    async with (
        consumer(each_broker, unique, group_id=unique) as one,
        consumer(each_broker, unique, group_id=unique) as two,
    ):
        await until(
            lambda: len(one.assignment()) == len(two.assignment()) == 2, "each member has two"
        )
        assert not one.assignment() & two.assignment()


async def test_the_next_member_starts_at_the_committed_offset(
    each_broker: Broker, unique: str
) -> None:
    await create_topics(each_broker.bootstrap_servers, unique)
    partition = TopicPartition(unique, 0)
    async with producer(each_broker) as writer:
        for number in range(3):
            await writer.send_and_wait(unique, b"%d" % number)
    async with consumer(each_broker, unique, group_id=unique) as reader:
        await values(reader, 2)
        await reader.commit({partition: 2})
    async with consumer(each_broker, unique, group_id=unique) as reader:
        assert await values(reader, 1) == [b"2"]


async def test_the_high_water_mark_is_the_end_of_the_log(each_broker: Broker, unique: str) -> None:
    await create_topics(each_broker.bootstrap_servers, unique)
    partition = TopicPartition(unique, 0)
    async with producer(each_broker) as writer:
        for _ in range(5):
            await writer.send_and_wait(unique, b"value")
    async with consumer(each_broker, unique) as reader:
        await values(reader, 1)
        assert reader.highwater(partition) == 5


@pytest.mark.exactly_once
async def test_records_and_offset_of_a_transaction_appear_together(
    each_real_broker: Broker, unique: str
) -> None:
    partition = TopicPartition(f"{unique}-in", 0)
    out = f"{unique}-out"
    await create_topics(each_real_broker.bootstrap_servers, partition.topic, out)
    async with (
        transactional(each_real_broker, unique) as writer,
        consumer(each_real_broker, out, isolation_level="read_committed") as reader,
    ):
        async with writer.transaction():
            await writer.send_and_wait(out, b"answer")
            await writer.send_offsets_to_transaction({partition: 7}, unique)
            assert await committed(each_real_broker, unique, partition) is None
            assert not await reader.getmany(timeout_ms=500)
        assert await values(reader, 1) == [b"answer"]
    assert await committed(each_real_broker, unique, partition) == 7


@pytest.mark.exactly_once
async def test_aborted_records_are_invisible_to_a_reader_of_committed_ones(
    each_real_broker: Broker, unique: str
) -> None:
    await create_topics(each_real_broker.bootstrap_servers, unique)
    async with transactional(each_real_broker, unique) as writer:
        await writer.begin_transaction()
        await writer.send_and_wait(unique, b"aborted")
        await writer.abort_transaction()
        async with writer.transaction():
            await writer.send_and_wait(unique, b"committed")
    async with consumer(each_real_broker, unique, isolation_level="read_committed") as reader:
        assert await values(reader, 1) == [b"committed"]


@pytest.mark.exactly_once
async def test_the_offset_of_an_aborted_transaction_is_not_committed(
    each_real_broker: Broker, unique: str
) -> None:
    partition = TopicPartition(unique, 0)
    await create_topics(each_real_broker.bootstrap_servers, unique)
    async with transactional(each_real_broker, unique) as writer:
        await writer.begin_transaction()
        await writer.send_offsets_to_transaction({partition: 7}, unique)
        await writer.abort_transaction()
    assert await committed(each_real_broker, unique, partition) is None


@pytest.mark.exactly_once
async def test_a_second_producer_of_the_same_name_fences_the_first(
    each_real_broker: Broker, unique: str
) -> None:
    await create_topics(each_real_broker.bootstrap_servers, unique)
    async with transactional(each_real_broker, unique) as first:
        await first.begin_transaction()
        await first.send_and_wait(unique, b"first")
        async with transactional(each_real_broker, unique) as second:
            with pytest.raises(KafkaError):
                await commit(first, unique)
            async with second.transaction():
                await second.send_and_wait(unique, b"second")
    async with consumer(each_real_broker, unique, isolation_level="read_committed") as reader:
        assert await values(reader, 1) == [b"second"]


async def commit(writer: AIOKafkaProducer, topic: str) -> None:
    await writer.send_and_wait(topic, b"late")
    await writer.commit_transaction()


@pytest.mark.exactly_once
async def test_the_offset_read_after_fencing_is_the_one_committed_before(
    each_real_broker: Broker, unique: str
) -> None:
    partition = TopicPartition(unique, 0)
    await create_topics(each_real_broker.bootstrap_servers, unique)
    for offset in range(1, 6):
        async with transactional(each_real_broker, unique) as writer:
            assert await committed(each_real_broker, unique, partition) == (offset - 1 or None)
            async with writer.transaction():
                await writer.send_offsets_to_transaction({partition: offset}, unique)


@pytest.mark.exactly_once
async def test_the_marker_of_a_transaction_takes_an_offset(
    each_real_broker: Broker, unique: str
) -> None:
    await create_topics(each_real_broker.bootstrap_servers, unique)
    async with transactional(each_real_broker, unique) as writer:
        offsets = []
        for _ in range(2):
            async with writer.transaction():
                offsets.append((await writer.send_and_wait(unique, b"value")).offset)
    assert offsets == [0, 2]


@pytest.mark.embedded
@pytest.mark.parametrize("options", [{"enable_idempotence": True}, {"transactional_id": "any"}])
async def test_the_embedded_broker_refuses_a_producer_id_at_once(
    embedded_broker_servers: str, options: dict[str, object]
) -> None:
    writer = AIOKafkaProducer(bootstrap_servers=embedded_broker_servers, **options)
    with pytest.raises(UnknownError):
        async with asyncio.timeout(2):
            await writer.start()
    await writer.stop()
