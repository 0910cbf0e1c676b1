"""What is done with a cluster outside the loop: topics, bulk writes, what the broker can do."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownError,
    UnsupportedVersionError,
)

from consumers.errors import Fatal
from consumers.kafka.connection import (
    REQUEST_TIMEOUT_S,
    Connection,
    fatal_for,
    kafka_errors,
    quietly,
)
from consumers.kafka.positions import PARTITIONS, TOPIC_SETTINGS

_PROBES: Final = 4
_PROBE_AGAIN_S: Final = 0.25
_UNACKNOWLEDGED: Final = 2000
"""Records a bulk write may have under way."""


@asynccontextmanager
async def plain_producer(connection: Connection, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer without transactions; it waits for all replicas unless told otherwise."""
    producer = AIOKafkaProducer(**connection.options(), **{"acks": "all", **options})
    try:
        await _started(producer, connection)
        yield producer
    finally:
        await quietly(producer.stop())


async def write_all(
    connection: Connection,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes]],
    *,
    idempotent: bool,
) -> int:
    """Write records in order, a bounded number at a time; return how many once all are stored."""
    written = 0
    waiting: set[asyncio.Future[Any]] = set()
    batching = {"linger_ms": 5, "max_batch_size": 128 * 1024}
    async with plain_producer(connection, enable_idempotence=idempotent, **batching) as to:
        with kafka_errors(connection):
            for key, value in records:
                waiting.add(await to.send(topic, value=value, key=key))
                written += 1
                if len(waiting) >= _UNACKNOWLEDGED:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for future in done:
                        future.result()
            await asyncio.gather(*waiting)
    return written


@asynccontextmanager
async def admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client."""
    client = AIOKafkaAdminClient(**connection.options())
    try:
        await _started(client, connection)
        yield client
    finally:
        await quietly(client.close())


async def create_topics(
    connection: Connection,
    partitions: Mapping[str, int],
    replication: int,
    positions: str | None = None,
) -> dict[str, bool]:
    """Create the topics that do not exist; return for each whether it was created here.

    ``positions`` is the topic that positions are recorded on, which is made in its own way.
    """
    created: dict[str, bool] = {}
    async with admin(connection) as client:
        wanted = [NewTopic(name, count, replication) for name, count in partitions.items()]
        if positions is not None:
            wanted.append(
                NewTopic(positions, PARTITIONS, replication, topic_configs=dict(TOPIC_SETTINGS))
            )
        for topic in wanted:
            name = topic.name
            try:
                answer = await client.create_topics([topic])
            except TopicAlreadyExistsError:
                created[name] = False
                continue
            except KafkaError as error:
                raise fatal_for(error, connection) from error
            code = answer.topic_errors[0][1]
            if code not in (0, TopicAlreadyExistsError.errno):
                raise Fatal(
                    f"Kafka would not create the topic {name} (error code {code}): "
                    "check the replication factor and the access rights."
                )
            created[name] = code == 0
    return created


async def has_transactions(connection: Connection, transactional_id: str) -> bool:
    """Return whether the broker can do exactly-once, by asking it for a transactional producer.

    The versions a broker advertises do not tell: the embedded one lists these requests and then
    fails them.
    """
    quiet = logging.getLogger("aiokafka")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    try:
        # A real broker in trouble may say "unknown error" once: only a steady one is believed.
        for _ in range(_PROBES):
            if await _starts(connection, transactional_id):
                return True
            await asyncio.sleep(_PROBE_AGAIN_S)
    finally:
        quiet.setLevel(level)
    return False


async def _starts(connection: Connection, transactional_id: str) -> bool:
    producer = AIOKafkaProducer(**connection.options(), transactional_id=transactional_id)
    try:
        async with asyncio.timeout(6 * REQUEST_TIMEOUT_S):
            await producer.start()
    except (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion):
        return False
    except (KafkaError, OSError, TimeoutError) as error:
        raise fatal_for(error, connection) from error
    finally:
        await quietly(producer.stop())
    return True


async def cluster_id(connection: Connection) -> str:
    """Return the cluster's own id, or its address where it has none."""
    async with admin(connection) as client:
        with kafka_errors(connection):
            described = await client.describe_cluster()
    return str(described.get("cluster_id") or connection.bootstrap_servers)


async def _started(client: AIOKafkaProducer | AIOKafkaAdminClient, connection: Connection) -> None:
    with kafka_errors(connection):
        async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
            await client.start()
