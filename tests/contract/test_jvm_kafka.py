"""The JVM Kafka that chaos runs kill: what was acknowledged outlives SIGKILL."""

from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.services import jvm_kafka
from tests.services.jvm_kafka import JvmKafka, JvmKafkaError
from tests.services.topics import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.jvm]


@pytest.fixture(scope="module")
def kafka() -> Iterator[JvmKafka]:
    """A broker of these tests' own, which they may kill."""
    reason = jvm_kafka.why_unavailable()
    if reason:
        pytest.skip(f"not run: {reason}")
    with JvmKafka() as kafka:
        yield kafka


async def test_acknowledged_records_outlive_a_broker_that_is_killed(kafka: JvmKafka) -> None:
    address = kafka.bootstrap_servers
    await create_topics(address, "kept")
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as writer:
        await writer.send_and_wait("kept", b"value")
    kafka.restart()
    assert kafka.bootstrap_servers == address
    async with AIOKafkaConsumer(
        "kept", bootstrap_servers=address, auto_offset_reset="earliest"
    ) as reader:
        assert (await reader.getone()).value == b"value"


def test_a_running_broker_is_not_started_twice(kafka: JvmKafka) -> None:
    with pytest.raises(JvmKafkaError, match="already running"):
        kafka.start()


def test_a_broker_that_cannot_start_says_its_last_words() -> None:
    if jvm_kafka.why_unavailable():
        pytest.skip("not run: no JVM Kafka")
    with pytest.raises(JvmKafkaError), JvmKafka(settings={"log.retention.ms": "never"}):
        pass
