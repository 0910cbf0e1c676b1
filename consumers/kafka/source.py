"""Reading a topic as a member of a consumer group."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from consumers.errors import Fatal, LaneLost
from consumers.kafka.connection import (
    CLOSE_S,
    REQUEST_TIMEOUT_S,
    Connection,
    Member,
    close_for_good,
    fatal_for,
    lane_errors,
    mistake,
    no_topic,
    quietly,
    report_unexpected,
)
from consumers.kafka.offsets import committed_offset
from consumers.records import Partition, Raw

NO_IDLE_LIMIT_MS: Final = 2**31 - 1
"""aiokafka leaves the group when nobody polls; a full or a standby member polls nothing and must
stay. Liveness is watched by the loop instead."""
METADATA_MS: Final = 5_000
"""How often a member asks which partitions its topic has. A broker that has just started may not
know the topic yet; a group that is shared out then gets nothing, until its leader looks again. The
client's own five minutes would be five minutes of standing still."""
_FAILING_S: Final = 60.0
"""Polling that has failed for this long without a break will not mend itself."""
_NEW_TOPIC_S: Final = 3.0
_SHORT_LOG_S: Final = 5.0


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
        self.started = asyncio.Event()
        """Set once the broker and all topics are known to be there."""
        self._failing_since: float | None = None

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The started client."""
        assert self._consumer is not None
        return self._consumer

    @property
    def committed_only(self) -> bool:
        """Whether only records of committed transactions are read."""
        return self._member.committed_only

    def part(self) -> float:
        """Return which part of the topic's partitions is assigned here; 0 before any is."""
        every = self.consumer.partitions_for_topic(self._topic)
        return len(self.consumer.assignment()) / len(every) if every else 0.0

    async def start(
        self,
        assigned: Callable[[Sequence[Partition]], None],
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        """Join the group; raise `Fatal` where there is no broker, no right or no topic."""
        asyncio.get_running_loop().set_exception_handler(report_unexpected)
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
            # Members first let their open commits end, and close their producers and clients.
            rebalance_timeout_ms=session_ms + int((self._member.revoke_s + 4 * CLOSE_S) * 1000),
            max_poll_interval_ms=NO_IDLE_LIMIT_MS,
            metadata_max_age_ms=METADATA_MS,
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )
        try:
            async with asyncio.timeout(2 * REQUEST_TIMEOUT_S):
                await consumer.start()
                missing = await self._missing_topics(consumer)
        except (KafkaError, OSError, TimeoutError) as error:
            await quietly(consumer.stop())
            raise fatal_for(error, self._connection) from error
        if missing:
            await quietly(consumer.stop())
            raise no_topic(missing[0])
        self._consumer = consumer
        self.started.set()
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
        """Return fetched records of these partitions; with none, only raise what went wrong.

        Raises `LaneLost` where polling failed: aiokafka may then have moved past records that it
        never handed out, so every partition must be sought again. Raises `Fatal` where it will not
        mend itself. Nothing awaits between aiokafka's handing out and the return, so the caller
        that awaits this directly sees the assignment the records were fetched under.
        """
        self._check_background()
        try:
            # Naming none would poll them all, so then a partition is named that there is not.
            named = partitions or [Partition(self._topic, -1)]
            fetched = await self.consumer.getmany(
                *(TopicPartition(*p) for p in named),
                timeout_ms=int(timeout_s * 1000),
                max_records=max_records,
            )
        except KafkaError as error:
            raise self._failed(error) from error
        now = self._clock()
        self._failing_since = None
        return {
            Partition(tp.topic, tp.partition): [
                Raw(r.topic, r.partition, r.offset, r.key, r.value, now, tuple(r.headers))
                for r in records
            ]
            for tp, records in fetched.items()
        }

    def _failed(self, error: KafkaError) -> Fatal | LaneLost:
        if (fatal := mistake(error)) is not None:
            return fatal
        now = self._clock()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > _FAILING_S:
            return Fatal(
                f"Reading {self._topic} has failed with {type(error).__name__} for "
                f"{_FAILING_S:.0f} s: look into the broker's log, then start this again."
            )
        return LaneLost(f"polling failed with {type(error).__name__}")

    def _check_background(self) -> None:
        """Raise `Fatal` where a task of aiokafka's has died: it would never fetch or join again."""
        fetching = self.consumer._fetcher._fetch_task  # noqa: SLF001 - it tells nobody else
        joining = self.consumer._coordinator._coordination_task  # noqa: SLF001 - the same
        if fetching.done() or joining.done():
            raise Fatal("The Kafka client has stopped working inside: start this again.")

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from ``offset``; raise `LaneLost` where the partition is no longer ours."""
        try:
            self.consumer.seek(TopicPartition(*partition), offset)
        except (KafkaError, ValueError) as error:
            raise LaneLost(f"could not seek: {type(error).__name__}") from error

    async def committed(self, partition: Partition, through: AIOKafkaClient) -> int:
        """Return the group's committed offset, or the log's start where it has none.

        Only where the broker has no transactions: with them `Ledger` knows better.
        """
        tp = TopicPartition(*partition)
        async with lane_errors():
            offset = await committed_offset(through, self._member.group, tp)
            if offset is None:
                return int((await self.consumer.beginning_offsets([tp]))[tp])
        await self.check_end(partition, offset)
        return offset

    async def check_end(self, partition: Partition, position: int) -> None:
        """Raise `Fatal` where ``position`` lies past the log's end, and not only for a moment.

        Just after a change of leader a log may look shorter than it is.
        """
        deadline, role = self._clock() + _SHORT_LOG_S, self._member.group.rpartition(".")[2]
        while position > (end := (await self.bounds(partition))[1]):
            if self._clock() > deadline:
                raise Fatal(
                    f"We have worked on {partition.topic}[{partition.number}] up to offset "
                    f"{position}, but the topic ends at {end}: it was deleted and made anew. To "
                    f"start anew on it, call `edgeroute positions set {role} --to-start` (for the "
                    "monitor give redis.prefix a new name instead), then start this again."
                )
            await asyncio.sleep(0.5)

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
            # A stop cut off while the group rebalances leaves the fetcher running.
            fetcher, client = self._consumer._fetcher, self._consumer._client  # noqa: SLF001
            await close_for_good(client, self._consumer.stop, fetcher.close)
