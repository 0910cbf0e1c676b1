"""What can be asked of a cluster to see whether it will do: its version, topics and groups."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.protocol.admin import ApiVersionRequest

from consumers.kafka.cluster import admin
from consumers.kafka.connection import Connection, kafka_errors, quietly, raw_client

_FETCH: Final = 1
_AGAIN_S: Final = 0.25
_NOT_YET: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
_RELEASES: Final = ((18, "4.1"), (17, "3.9"), (16, "3.7"), (15, "3.5"), (13, "3.1"), (12, "2.7"))
"""The version of the fetch request that came with a release of Kafka."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: how many members it has, and how many records it may be behind at most.

    A group that has committed nothing has all of its topic before it. The marks that transactions
    leave on a topic are counted too, so that a group with nothing to do may be a few behind.
    """

    members: int
    behind: int


async def release(connection: Connection) -> tuple[int, str]:
    """Return how many brokers there are, and the release of Kafka that they speak like.

    A broker does not tell its version, but which requests it takes; from that follows the oldest
    release it can be. Empty where it is older than all that we know.
    """
    async with raw_client(connection) as client:
        answer = await client.send(client.get_random_node(), ApiVersionRequest())
        brokers = len(client.cluster.brokers())
    fetch = max((most for key, _, most in answer.api_versions if key == _FETCH), default=0)
    return brokers, next((name for version, name in _RELEASES if fetch >= version), "")


async def partitions(connection: Connection) -> dict[str, int]:
    """Return the topics that exist, and how many partitions each has."""
    async with admin(connection) as client:
        with kafka_errors(connection):
            described = await client.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def groups(
    connection: Connection, wanted: Mapping[str, str], found: Mapping[str, int]
) -> dict[str, Group]:
    """Return the state of groups, each with the topic it reads; ``found`` is from `partitions`.

    A new cluster takes a while before it can tell: give it a deadline.
    """
    async with admin(connection) as client:
        reader = AIOKafkaConsumer(**connection.options(), isolation_level="read_committed")
        try:
            with kafka_errors(connection):
                await reader.start()
                return {
                    name: await _group(client, reader, name, topic, found.get(topic, 0))
                    for name, topic in wanted.items()
                }
        finally:
            await quietly(reader.stop())


async def _members(client: AIOKafkaAdminClient, name: str) -> int:
    """Return how many there are; a new cluster has nobody to ask until the first question."""
    while True:
        try:
            [answer] = await client.describe_consumer_groups([name])
        except _NOT_YET:
            await asyncio.sleep(_AGAIN_S)
        else:
            return sum(len(described[5]) for described in answer.groups)


async def _group(
    client: AIOKafkaAdminClient, reader: AIOKafkaConsumer, name: str, topic: str, count: int
) -> Group:
    members = await _members(client, name)
    places = [TopicPartition(topic, number) for number in range(count)]
    if not places:
        return Group(members, 0)
    committed = await client.list_consumer_group_offsets(name, partitions=places)
    known = {place: found.offset for place, found in committed.items() if found.offset >= 0}
    begins, ends = await reader.beginning_offsets(places), await reader.end_offsets(places)
    return Group(members, sum(ends[p] - known.get(p, begins[p]) for p in places))
