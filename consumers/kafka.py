"""Kafka, and the only module that knows aiokafka.

Exactly-once here is one transactional producer per input partition, opened (which fences the
previous owner) before the committed offset is read. aiokafka sends TxnOffsetCommit without the
group's generation, so a broker cannot fence a zombie by it: the producer's epoch has to.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
from aiokafka.structs import OffsetAndMetadata

from consumers.errors import Fatal, LaneLost, Unreachable
from consumers.lanes import Partition, Raw
from router.plan import Output

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_S: Final = 10.0
"""aiokafka's 40 s would make a stopping member wait that long for a coordinator that is away."""
CLOSE_S: Final = 2.0
"""How long closing a client may take; a rebalance waits for it."""
NO_IDLE_LIMIT_MS: Final = 2**31 - 1
"""aiokafka leaves the group when nobody polls; a full or a standby member polls nothing and must
stay. Liveness is watched by the loop instead."""
_NEW_TOPIC_S: Final = 3.0
_UNACKNOWLEDGED: Final = 2000
"""Records a bulk write may have under way."""
_REFUSALS: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownError,
    UnsupportedSaslMechanismError,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a cluster."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    client_id: str = "edgeroute"

    def options(self) -> dict[str, Any]:
        """Return what every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1000),
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


@dataclass(frozen=True, slots=True)
class Member:
    """How a role takes part in its consumer group."""

    group: str
    session_timeout_s: float = 10.0
    transaction_timeout_s: float = 15.0
    """A stuck transaction stalls every reader of committed records for at most this long."""
    max_fetch_bytes: int = 1024 * 1024
    """A partition's fetch; more only where one record alone is larger."""
    max_request_bytes: int = 1024 * 1024
    committed_only: bool = True


def said(error: BaseException, connection: Connection) -> Fatal:
    """Return the one sentence for a Kafka error that ends a role."""
    servers = connection.bootstrap_servers
    if isinstance(error, _REFUSALS):
        return Fatal(
            f"The broker at {servers} refused us ({type(error).__name__}): "
            "check the user, the password and the access rights of the [kafka] settings."
        )
    if isinstance(error, KafkaConnectionError | OSError | TimeoutError):
        return Unreachable(
            f"No Kafka broker answers at {servers}: "
            "start it, or set kafka.bootstrap_servers to where it is."
        )
    return Fatal(
        f"Kafka at {servers} failed with {type(error).__name__}: "
        "look into the broker's log, then start this again."
    )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands rebalances on. What is raised here aiokafka would swallow, so nothing may be raised."""

    def __init__(
        self,
        assigned: Callable[[Sequence[Partition]], None],
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        self._assigned = assigned
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned([Partition(tp.topic, tp.partition) for tp in sorted(assigned)])


class Source:
    """One topic read as a member of a consumer group, lane by lane."""

    def __init__(
        self,
        connection: Connection,
        member: Member,
        topic: str,
        outputs: Iterable[str],
        clock: Callable[[], float],
    ) -> None:
        """Describe it; ``outputs`` are topics that must exist too before anything is read."""
        self._connection = connection
        self._member = member
        self._topic = topic
        self._outputs = tuple(outputs)
        self._clock = clock
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The started client."""
        assert self._consumer is not None
        return self._consumer

    async def start(
        self,
        assigned: Callable[[Sequence[Partition]], None],
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        """Join the group; raise `Fatal` where there is no broker, no right or no topic."""
        asyncio.get_running_loop().set_exception_handler(_report)
        session_ms = int(self._member.session_timeout_s * 1000)
        consumer = AIOKafkaConsumer(
            **self._connection.options(),
            group_id=self._member.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if self._member.committed_only else "read_uncommitted",
            max_partition_fetch_bytes=self._member.max_fetch_bytes,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=max(session_ms // 5, 200),
            rebalance_timeout_ms=session_ms,
            max_poll_interval_ms=NO_IDLE_LIMIT_MS,
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )
        try:
            async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
                await consumer.start()
                missing = await self._missing_topics(consumer)
        except (KafkaError, OSError, TimeoutError) as error:
            await _quietly(consumer.stop())
            raise said(error, self._connection) from error
        if missing:
            await _quietly(consumer.stop())
            raise Fatal(
                f"There is no topic {missing[0]}: create it with `edgeroute topics create`."
            )
        self._consumer = consumer
        consumer.subscribe([self._topic], listener=_Listener(assigned, revoked))

    async def _missing_topics(self, consumer: AIOKafkaConsumer) -> list[str]:
        """Return the topics that are not there; a broker may need a moment to know a new one."""
        deadline = self._clock() + _NEW_TOPIC_S
        while True:
            there = await consumer.topics()
            missing = [topic for topic in (self._topic, *self._outputs) if topic not in there]
            if not missing or self._clock() > deadline:
                return missing
            await asyncio.sleep(0.2)

    async def poll(
        self, partitions: Sequence[Partition], *, timeout_s: float, max_records: int
    ) -> dict[Partition, list[Raw]]:
        """Return fetched records; never call it with no partition (aiokafka would poll them all).

        Nothing awaits between aiokafka's handing out and the return, so the caller that awaits this
        directly sees the assignment the records were fetched under.
        """
        try:
            fetched = await self.consumer.getmany(
                *(TopicPartition(*p) for p in partitions),
                timeout_ms=int(timeout_s * 1000),
                max_records=max_records,
            )
        except _REFUSALS as error:
            raise said(error, self._connection) from error
        except KafkaError as error:
            log.warning("polling failed with %s; trying again", type(error).__name__)
            await asyncio.sleep(timeout_s)
            return {}
        now = self._clock()
        return {
            Partition(tp.topic, tp.partition): [
                Raw(r.topic, r.partition, r.offset, r.key, r.value, now) for r in records
            ]
            for tp, records in fetched.items()
        }

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from ``offset``; raise `LaneLost` where the partition is no longer ours."""
        try:
            self.consumer.seek(TopicPartition(*partition), offset)
        except (KafkaError, ValueError) as error:
            raise LaneLost(f"could not seek: {type(error).__name__}") from error

    async def committed(self, partition: Partition) -> int:
        """Return the group's committed offset, or the log's start where it has none."""
        tp = TopicPartition(*partition)
        async with lane_errors():
            offset = await self.consumer.committed(tp)
            if offset is None:
                offset = (await self.consumer.beginning_offsets([tp]))[tp]
        return int(offset)

    async def bounds(self, partition: Partition) -> tuple[int, int]:
        """Return the first offset of the log and the one after its last.

        The embedded broker gives wrong ends, so where we read without transactions the end is
        beyond everything.
        """
        tp = TopicPartition(*partition)
        async with lane_errors():
            first = (await self.consumer.beginning_offsets([tp]))[tp]
            if not self._member.committed_only:
                return int(first), 2**63 - 1
            end = (await self.consumer.end_offsets([tp]))[tp]
        return int(first), int(end)

    async def commit(self, partition: Partition, offset: int) -> None:
        """Commit outside any transaction: only where the broker has none."""
        async with lane_errors():
            await self.consumer.commit({TopicPartition(*partition): OffsetAndMetadata(offset, "")})

    async def stop(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            await _quietly(self._consumer.stop())


@asynccontextmanager
async def lane_errors() -> AsyncIterator[None]:
    """Map what aiokafka raises inside a lane to `LaneLost`, and refusals to `Fatal`."""
    try:
        yield
    except _REFUSALS as error:
        raise Fatal(
            f"The broker refused us ({type(error).__name__}): check the access rights of our user."
        ) from error
    except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
        raise Fatal(
            "Kafka refuses a record of ours as too large: raise max.message.bytes of our topics "
            "or lower limits.text_characters and limits.dead_letter_bytes."
        ) from error
    except (KafkaError, OSError, TimeoutError, AssertionError, ValueError) as error:
        # aiokafka asserts its own transaction states; a producer that a broker restart confused is
        # dropped like any other.
        raise LaneLost(type(error).__name__) from error


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
            self._producer = AIOKafkaProducer(
                **self._connection.options(),
                transactional_id=f"{self._member.group}.{self._partition.topic}.{self._partition.number}",
                transaction_timeout_ms=int(self._member.transaction_timeout_s * 1000),
                max_request_size=self._member.max_request_bytes,
                max_batch_size=256 * 1024,
            )
            await self._producer.start()
        return await self._source.committed(self._partition)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Write all outputs and the next offset, or raise `LaneLost` having written neither."""
        producer = self._producer
        assert producer is not None
        async with lane_errors():
            await producer.begin_transaction()
            await _send(producer, outputs, self._topics)
            await producer.send_offsets_to_transaction(
                {TopicPartition(*self._partition): next_offset}, self._member.group
            )
            await producer.commit_transaction()

    async def close(self) -> None:
        """Drop the producer; an open transaction is aborted by the next owner or its time limit."""
        if self._producer is not None:
            await _quietly(self._producer.stop())
            # Where stopping ran out of time the connections are still open; closing twice is fine.
            await _quietly(self._producer.client.close())


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
        return await self._source.committed(self._partition)

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Write all outputs, then the offset: a failure between the two repeats the outputs."""
        async with lane_errors():
            await _send(self._producer, outputs, self._topics)
        await self._source.commit(self._partition, next_offset)

    async def close(self) -> None:
        """Nothing to close: the producer is shared."""


async def _send(
    producer: AIOKafkaProducer, outputs: Sequence[Output], topics: Mapping[str, str]
) -> None:
    sent = [
        await producer.send(
            topics[output.topic], value=output.value, key=output.key, headers=list(output.headers)
        )
        for output in outputs
    ]
    if sent:
        await asyncio.gather(*sent)


@asynccontextmanager
async def plain_producer(connection: Connection, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer without transactions."""
    producer = AIOKafkaProducer(**connection.options(), **options)
    try:
        async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
            await producer.start()
    except (KafkaError, OSError, TimeoutError) as error:
        await _quietly(producer.stop())
        raise said(error, connection) from error
    try:
        yield producer
    finally:
        await _quietly(producer.stop())


async def write_all(
    connection: Connection,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes]],
    *,
    idempotent: bool,
) -> int:
    """Write records in order, a bounded number at a time; return how many once all are stored."""
    options = {"enable_idempotence": True} if idempotent else {"acks": "all"}
    written = 0
    waiting: set[asyncio.Future[Any]] = set()
    async with plain_producer(connection, linger_ms=5, max_batch_size=128 * 1024, **options) as to:
        try:
            for key, value in records:
                waiting.add(await to.send(topic, value=value, key=key))
                written += 1
                if len(waiting) >= _UNACKNOWLEDGED:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for future in done:
                        future.result()
            await asyncio.gather(*waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            raise said(error, connection) from error
    return written


@asynccontextmanager
async def admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client."""
    client = AIOKafkaAdminClient(**connection.options())
    try:
        async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
            await client.start()
    except (KafkaError, OSError, TimeoutError) as error:
        await _quietly(client.close())
        raise said(error, connection) from error
    try:
        yield client
    finally:
        await _quietly(client.close())


async def create_topics(
    connection: Connection, partitions: Mapping[str, int], replication: int
) -> dict[str, bool]:
    """Create the topics that do not exist; return for each whether it was created here."""
    created: dict[str, bool] = {}
    async with admin(connection) as client:
        for name, count in partitions.items():
            try:
                answer = await client.create_topics([NewTopic(name, count, replication)])
            except TopicAlreadyExistsError:
                created[name] = False
                continue
            except KafkaError as error:
                raise said(error, connection) from error
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
    producer = AIOKafkaProducer(**connection.options(), transactional_id=transactional_id)
    quiet = logging.getLogger("aiokafka")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    try:
        async with asyncio.timeout(6 * REQUEST_TIMEOUT_S):
            await producer.start()
    except (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion):
        return False
    except (KafkaError, OSError, TimeoutError) as error:
        raise said(error, connection) from error
    finally:
        await _quietly(producer.stop())
        quiet.setLevel(level)
    return True


async def cluster_id(connection: Connection) -> str:
    """Return the cluster's own id, or its address where it has none."""
    async with admin(connection) as client:
        try:
            described = await client.describe_cluster()
        except KafkaError as error:
            raise said(error, connection) from error
    return str(described.get("cluster_id") or connection.bootstrap_servers)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what asyncio reports, but for the errors that aiokafka leaves lying about.

    A producer that is fenced keeps the error in a future that nobody awaits, besides raising it;
    asyncio would log it with a traceback.
    """
    if isinstance(context.get("exception"), KafkaError) and "never retrieved" in context["message"]:
        return
    loop.default_exception_handler(context)


async def _quietly(closing: Awaitable[Any]) -> None:
    """Close a client within a limit; what it says while closing helps nobody."""
    with suppress(KafkaError, OSError, TimeoutError, AssertionError):
        async with asyncio.timeout(CLOSE_S):
            await closing
