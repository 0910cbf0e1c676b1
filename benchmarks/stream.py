"""The stream through a real Kafka, as a user runs it: `edgeroute run edge`, timed from outside."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from benchmarks.children import BenchError, Process, check, running, settings
from consumers import kafka
from consumers.replay.transcripts import record_of
from schemas.codec import decode_decision
from schemas.decision import Routed
from schemas.transcript import Transcript
from tests.services.jvm_kafka import JvmKafka

PARTITIONS: Final = 6
OUTPUTS: Final = ("results", "escalations", "decisions", "dead_letters")
FROM: Final = 500
"""The rate is taken from here on: the members have joined by then, and the lanes are full."""
LEFT: Final = 1_200
"""It is taken to here at most, so that the lanes stay full; as many are still waiting."""
SECONDS: Final = 20.0
"""And for so long at most, which keeps a run short on a busy machine."""
STALLED_S: Final = 60.0
_LOOK_S: Final = 0.05
_number = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A broker, a bundle, and a folder for logs and answers."""

    broker: JvmKafka
    bundle: Path
    folder: Path

    @property
    def connection(self) -> kafka.Connection:
        """How to reach the broker."""
        return kafka.Connection(self.broker.bootstrap_servers)


@dataclass(frozen=True)
class Way:
    """One way of running the edge: how many processes, with these settings."""

    name: str
    processes: int = 1
    settings: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rate:
    """What one run gave. CPU is in milliseconds a message; memory is the largest seen, in MB."""

    per_second: float
    edge_cpu_ms: float
    broker_cpu_ms: float
    edge_mb: float
    messages: int
    seconds: float


async def fill(place: Place, topic: str, turns: Sequence[Transcript]) -> None:
    """Create the input topic, stamped by the broker's clock, and write all turns."""
    async with kafka.admin(place.connection) as client:
        await _make(client, topic)
    records = (record_of(turn) for turn in turns)
    await kafka.write_all(place.connection, topic, records, idempotent=True)


async def variables(place: Place, topic: str, way: Way) -> tuple[str, dict[str, str]]:
    """Create fresh output topics; return the run's name and its settings as variables."""
    name = f"run{next(_number)}"
    async with kafka.admin(place.connection) as client:
        for output in OUTPUTS:
            await _make(client, f"{name}-{output}")
    positions = f"{name}-positions"
    await kafka.create_topics(place.connection, {}, 1, positions)
    outputs = {f"topics__{output}": f"{name}-{output}" for output in OUTPUTS}
    ours = {
        "bundle": str(place.bundle),
        "kafka__bootstrap_servers": place.broker.bootstrap_servers,
        "kafka__group_prefix": name,
        "kafka__delivery": "exactly-once",
        "topics__transcripts": topic,
        "topics__positions": positions,
        # Nobody answers escalations here, and what is measured is an edge that sends them.
        "cloud__watch": "false",
    }
    return name, dict(settings(**{**ours, **outputs, **way.settings}))


async def _make(client: AIOKafkaAdminClient, topic: str) -> None:
    stamped = {"message.timestamp.type": "LogAppendTime"}
    answer = await client.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=stamped)])
    if answer.topic_errors[0][1]:
        raise BenchError(f"the topic {topic} could not be created")


async def rate(place: Place, topic: str, waiting: int, way: Way) -> Rate:
    """Run the edge while more messages wait than it can hold; return how fast it goes."""
    name, changes = await variables(place, topic, way)
    logs = [place.folder / f"{name}-edge{i}.log" for i in range(way.processes)]
    with ExitStack() as stack:
        edges = [
            stack.enter_context(running("edgeroute", "run", "edge", log=log, **changes))
            for log in logs
        ]
        watch = Watch(place, f"{name}.edge", topic, edges, logs)
        begun = await watch.until(FROM)
        ended = await watch.until(waiting - LEFT, within=SECONDS)
        # Drained and ended: what is committed now is what was routed.
        for edge in edges:
            edge.terminate()
            await asyncio.to_thread(edge.wait, 30.0)
        committed = (await watch.until(0)).committed
    sources = [record.source for record in await decisions(place, f"{name}-decisions")]
    distinct = len({(source.partition, source.offset) for source in sources})
    if not len(sources) == distinct == committed:
        raise BenchError(
            f"{name}: {committed} messages committed, {len(sources)} decisions, {distinct} distinct"
        )
    messages, seconds = ended.committed - begun.committed, ended.at - begun.at
    return Rate(
        per_second=messages / seconds,
        edge_cpu_ms=(ended.edge_cpu - begun.edge_cpu) / messages * 1000,
        broker_cpu_ms=(ended.broker_cpu - begun.broker_cpu) / messages * 1000,
        edge_mb=ended.edge_mb,
        messages=messages,
        seconds=seconds,
    )


@dataclass(frozen=True)
class Seen:
    """How far a run was at a moment, and what it had spent until then."""

    at: float
    committed: int
    edge_cpu: float
    broker_cpu: float
    edge_mb: float


class Watch:
    """Looks at a consumer group's committed offsets and at the processes that move them."""

    def __init__(
        self, place: Place, group: str, topic: str, edges: Sequence[Process], logs: Sequence[Path]
    ) -> None:
        self._place = place
        self._group = group
        self._partitions = [TopicPartition(topic, i) for i in range(PARTITIONS)]
        self._running = list(zip(edges, logs, strict=True))
        self._edges = [psutil.Process(edge.pid) for edge in edges]
        self._broker = psutil.Process(place.broker.pid)

    async def until(self, committed: int, within: float = float("inf")) -> Seen:
        """Return what was seen first with that many messages committed, or once time is up."""
        begun = moved = time.monotonic()
        last = -1
        async with kafka.admin(self._place.connection) as client:
            while True:
                seen = self._snapshot(await self._committed(client))
                if seen.committed >= committed or seen.at - begun > within:
                    return seen
                if seen.committed != last:
                    moved, last = time.monotonic(), seen.committed
                elif time.monotonic() - moved > STALLED_S:
                    raise BenchError(
                        f"{self._group} has stood at {last} messages for {STALLED_S:.0f} s"
                    )
                for edge, log in self._running:
                    check(edge, log)
                await asyncio.sleep(_LOOK_S)

    async def _committed(self, client: AIOKafkaAdminClient) -> int:
        try:
            found = await client.list_consumer_group_offsets(
                self._group, partitions=self._partitions
            )
        except GroupCoordinatorNotAvailableError:  # nobody has used the broker's groups yet
            return 0
        return sum(max(entry.offset, 0) for entry in found.values())

    def _snapshot(self, committed: int) -> Seen:
        alive = [edge for edge in self._edges if edge.is_running()]
        return Seen(
            at=time.monotonic(),
            committed=committed,
            edge_cpu=sum(map(cpu_seconds, alive)),
            broker_cpu=cpu_seconds(self._broker),
            edge_mb=sum(edge.memory_info().rss for edge in alive) / 1e6,
        )


def cpu_seconds(process: psutil.Process) -> float:
    """Return what a process has computed since its start, its children left out."""
    times = process.cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def reader(place: Place, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of committed records, at the start of every partition of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.broker.bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    consumer.assign([TopicPartition(topic, i) for i in range(PARTITIONS)])
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def decisions(place: Place, topic: str) -> list[Routed]:
    """Return every committed `routed` record of a topic at its end."""
    found: list[Routed] = []
    async with reader(place, topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        left = {tp for tp, end in ends.items() if end > 0}
        while left:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                decoded = (decode_decision(record.value) for record in records)
                found.extend(record for record in decoded if isinstance(record, Routed))
            # Markers take offsets too, so a reader's position says more than what it was given.
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    return found
