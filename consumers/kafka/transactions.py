"""Transactions that hang: their coordinator has finished them, and a partition was never told.

Kafka may leave out a marker where it is killed twice in a row
(docs/upstream/markers-skipped-after-a-crash.md). Readers of committed records then stand still in
that partition for ever. The coordinator's own log still says how such a transaction ended, so it
can be ended in the same way, and nothing is lost: `kafka-transactions` can only abort it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from consumers.errors import Fatal
from consumers.kafka import wire
from consumers.kafka.connection import Connection, no_topic, raw_client
from consumers.kafka.decided import batches, end_of, leader_of, start_of
from consumers.records import Partition

_STATES: Final = "__transaction_state"
"""The topic that Kafka's transaction coordinators write their states on."""
_LOOKS: Final = 10
_LOOK_AGAIN_S: Final = 0.3
End = Literal["commit", "abort", "under way", "unknown"]
_PREPARED: Final[dict[int, End]] = {wire.PREPARE_COMMIT: "commit", wire.PREPARE_ABORT: "abort"}


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
    states = await _states(client, {one.producer for one in seen})
    ends = {one: end_of_transaction(states.get(one.producer, ()), one.partition) for one in seen}
    # A transaction that has ended while the log was read is not open any more.
    still = set(await _open(client, sorted({one.partition.topic for one in seen})))
    return [
        one._replace(committed={"commit": True, "abort": False}.get(end))
        for one, end in ends.items()
        if one in still and end != "under way"
    ]


def end_of_transaction(states: Iterable[wire.Logged], partition: Partition) -> End:
    """Return how a producer's transaction that is open in a partition ended, by the states logged.

    A partition is in the log before anything is written to it, and a later transaction that spans
    it would have ended this one with its own marker: so it is the last that spans the partition.
    Only the log is asked. Just after a start a coordinator does not know yet what it will find in
    it, and says then, without an error, that there is nothing.
    """
    end: End = "unknown"
    prepared = False
    for state in states:
        spans = partition in state.partitions
        if spans and state.status == wire.ONGOING:
            end, prepared = "under way", False
        elif spans and state.status in _PREPARED:
            end, prepared = _PREPARED[state.status], True
        # What comes behind does not span it: the transaction is over for its coordinator.
        elif end == "under way":
            end = "unknown"
        else:
            prepared = False
    return "under way" if prepared else end


async def _open(client: AIOKafkaClient, topics: list[str]) -> list[Hanging]:
    """Return every transaction that is open in these topics.

    A partition that was made or moved just now gets its leader a moment later.
    """
    for look in range(_LOOKS):
        if look:
            await asyncio.sleep(_LOOK_AGAIN_S)
            await client.force_metadata_update()
        try:
            if (found := await _asked(client, topics)) is not None:
                return found
        except KafkaError as error:
            if not error.retriable or look == _LOOKS - 1:
                raise
    raise no_topic(topics[0])


async def _asked(client: AIOKafkaClient, topics: list[str]) -> list[Hanging] | None:
    """Return what the leaders say; None where the broker knows none of the topics."""
    asked: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
    for topic in topics:
        await client.add_topic(topic)
        for number in sorted(client.cluster.partitions_for_topic(topic) or ()):
            leader = await leader_of(client, TopicPartition(topic, number))
            asked[leader].setdefault(topic, []).append(number)
    if not asked:
        return None
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


async def _states(client: AIOKafkaClient, producers: set[int]) -> dict[int, list[wire.Logged]]:
    """Return what is logged of these producers, in order."""
    found: dict[int, list[wire.Logged]] = {}
    await client.add_topic(_STATES)
    numbers = client.cluster.partitions_for_topic(_STATES)
    if not numbers:
        # Where a transaction is open there is such a log: we may not read it, or the broker has
        # just started. A log that was not read must not look like one that is silent.
        forbidden = _STATES in client.cluster.unauthorized_topics
        raise TopicAuthorizationFailedError if forbidden else UnknownTopicOrPartitionError
    for number in sorted(numbers):
        log = TopicPartition(_STATES, number)
        start, end = await start_of(client, log), await end_of(client, log)
        async for batch in batches(client, log, start, end):
            for record in () if batch.is_control_batch else batch:
                state = wire.logged(record.key, record.value)
                if state is not None and state.producer in producers:
                    found.setdefault(state.producer, []).append(state)
    return found
