"""Transactions that hang: their coordinator has finished them, and a partition was never told.

Kafka may leave out a marker where it is killed twice in a row
(docs/upstream/markers-skipped-after-a-crash.md). Readers of committed records then stand still in
that partition for ever. The coordinator's own log still says how such a transaction ended, so it
can be ended in the same way, and nothing is lost: `kafka-transactions` can only abort it.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    for_code,
)

from consumers.errors import Fatal
from consumers.kafka import wire
from consumers.kafka.connection import Connection, raw_client
from consumers.kafka.decided import batches, end_of, leader_of, start_of
from consumers.records import Partition

_STATES: Final = "__transaction_state"
"""The topic that Kafka's transaction coordinators write their states on."""
_UNDER_WAY: Final = frozenset({"Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"})


class Hanging(NamedTuple):
    """An open transaction in one partition that nobody is going to end."""

    partition: Partition
    offset: int
    """Of its first record here."""
    last_ms: int
    """When its last record here was written, in milliseconds since 1970."""
    producer: int
    epoch: int
    coordinator: int
    """The coordinator's epoch, as the partition last heard of it."""
    committed: bool | None = None
    """Whether the coordinator's log says that it was committed; None where the log is silent."""


async def hanging_transactions(
    connection: Connection, topics: Iterable[str], before_ms: int
) -> list[Hanging]:
    """Return what hangs in these topics and has not been written to since ``before_ms``."""
    async with raw_client(connection) as client:
        try:
            return await _hanging(client, sorted(topics), before_ms)
        except IncompatibleBrokerVersion as error:
            raise Fatal(
                "This broker cannot tell which transactions are open: Apache Kafka from 3.0 on can."
            ) from error


async def finish_transaction(connection: Connection, hanging: Hanging, *, commit: bool) -> None:
    """Write the marker that is missing. Readers of committed records then go on behind it."""
    topic, number = hanging.partition
    async with raw_client(connection) as client:
        marker = (
            hanging.producer,
            hanging.epoch,
            commit,
            [(topic, [number], wire.NO_TAGS)],
            max(hanging.coordinator, 0),
            wire.NO_TAGS,
        )
        leader = await leader_of(client, TopicPartition(topic, number))
        request = wire.WRITE_MARKERS([marker])
        answer = await client.send(leader, request)
        [(_, [(_, [(_, code, *_)], *_)], *_)] = answer.markers
        if code:
            raise for_code(code)


async def _hanging(client: AIOKafkaClient, topics: list[str], before_ms: int) -> list[Hanging]:
    seen = [one for one in await _open(client, topics) if one.last_ms < before_ms]
    if not seen:
        return []
    under_way = await _under_way(client, {one.producer for one in seen})
    candidates = [one for one in seen if (one.producer, one.partition) not in under_way]
    # A transaction that has ended between the two questions is not open any more.
    still = set(await _open(client, sorted({one.partition.topic for one in candidates})))
    found = [one for one in candidates if one in still]
    ends = await _ends(client, found)
    return [one._replace(committed=ends.get(one)) for one in found]


async def _open(client: AIOKafkaClient, topics: list[str]) -> list[Hanging]:
    """Return every transaction that is open in these topics."""
    asked: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
    for topic in topics:
        await client.add_topic(topic)
        for number in sorted(client.cluster.partitions_for_topic(topic) or ()):
            leader = await leader_of(client, TopicPartition(topic, number))
            asked[leader].setdefault(topic, []).append(number)
    found: list[Hanging] = []
    for leader, parts in asked.items():
        wanted = [(topic, numbers, wire.NO_TAGS) for topic, numbers in parts.items()]
        request = wire.DESCRIBE_PRODUCERS(wanted)
        answer = await client.send(leader, request)
        for topic, partitions, _tags in answer.topics:
            for number, code, _message, producers, _tags in partitions:
                if code:
                    raise for_code(code)
                found += _of(Partition(topic, number), producers)
    return found


def _of(partition: Partition, producers: Iterable[tuple[Any, ...]]) -> list[Hanging]:
    return [
        Hanging(partition, start, last_ms, producer, epoch, coordinator)
        for producer, epoch, _, last_ms, coordinator, start, *_ in producers
        if start >= 0
    ]


async def _under_way(client: AIOKafkaClient, producers: set[int]) -> set[tuple[int, Partition]]:
    """Return the producers whose coordinator has a transaction under way, with its partitions."""
    found: set[tuple[int, Partition]] = set()
    for broker in client.cluster.brokers():
        asked = wire.LIST_TRANSACTIONS([], sorted(producers))
        answer = await client.send(broker.nodeId, asked)
        if answer.error_code:
            raise for_code(answer.error_code)
        names = [name for name, *_ in answer.transactions]
        asked = wire.DESCRIBE_TRANSACTIONS(names)
        described = (await client.send(broker.nodeId, asked)).transactions if names else []
        for code, _, state, _, _, producer, _, topics, *_ in described:
            if code:
                raise for_code(code)
            if state in _UNDER_WAY:
                found |= {(producer, Partition(t, n)) for t, numbers, *_ in topics for n in numbers}
    return found


async def _ends(client: AIOKafkaClient, hanging: list[Hanging]) -> dict[Hanging, bool]:
    """Return which of these were committed and which aborted, as far as their log says.

    A later transaction of the same producer that spans the partition would have ended this one
    with its own marker. So the newest end that spans it is the end of this one.
    """
    ends: dict[tuple[int, Partition], bool] = {}
    if not hanging:
        return {}
    wanted = {(one.producer, one.partition) for one in hanging}
    await client.add_topic(_STATES)
    for number in sorted(client.cluster.partitions_for_topic(_STATES) or ()):
        log = TopicPartition(_STATES, number)
        start, end = await start_of(client, log), await end_of(client, log)
        async for batch in batches(client, log, start, end):
            for record in () if batch.is_control_batch else batch:
                state = wire.logged(record.key, record.value)
                if state and state.status in {wire.PREPARE_COMMIT, wire.PREPARE_ABORT}:
                    for topic, n in state.partitions:
                        if (key := (state.producer, Partition(topic, n))) in wanted:
                            ends[key] = state.status == wire.PREPARE_COMMIT
    keys = {one: (one.producer, one.partition) for one in hanging}
    return {one: ends[key] for one, key in keys.items() if key in ends}
