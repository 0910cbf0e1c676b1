"""A group's committed offsets and members, asked for so that no error is mistaken for none."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest

from consumers.records import Place

_AGAIN_S: Final = 0.1


async def committed_offset(client: AIOKafkaClient, group: str, tp: TopicPartition) -> int | None:
    """Return the committed offset, None where there is none; raise `KafkaError` where unknown."""
    place = await committed_place(client, group, tp)
    return None if place is None else place.offset


async def committed_place(client: AIOKafkaClient, group: str, tp: TopicPartition) -> Place | None:
    """Return the committed offset with its note, as `committed_places`."""
    return (await committed_places(client, group, tp.topic, [tp.partition]))[tp.partition]


async def committed_places(
    client: AIOKafkaClient, group: str, topic: str, partitions: Sequence[int]
) -> dict[int, Place | None]:
    """Return each partition's committed place; raise `KafkaError` where any is unknown.

    aiokafka's own ``committed`` ignores the error of the whole answer. A coordinator that is still
    loading, as after a restart, gives that error and no partitions, which then looks like a group
    that never committed: the partition would be read again from its start.
    """
    while True:
        coordinator = await _coordinator(client, group)
        request = OffsetFetchRequest(group, [(topic, list(partitions))])
        answer = await client.send(coordinator, request)
        found = [place for _, places in answer.topics for place in places]
        codes = [getattr(answer, "error_code", 0), *(code for _, _, _, code in found)]
        error = for_code(next((code for code in codes if code), 0))
        if issubclass(error, KafkaError) and error.errno != 0:
            if not error.retriable:
                raise error()
            await asyncio.sleep(_AGAIN_S)
            continue
        places = {number: Place(int(at), str(note or "")) for number, at, note, _ in found}
        if not places.keys() >= set(partitions):
            raise KafkaError("the coordinator did not answer for every partition")
        return {n: None if places[n].offset < 0 else places[n] for n in partitions}


async def _coordinator(client: AIOKafkaClient, group: str) -> int:
    """Return the node to ask; a new broker makes its topic of offsets at the first question."""
    while True:
        try:
            return int(await client.coordinator_lookup(CoordinationType.GROUP, group))
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_AGAIN_S)


async def members_of(client: AIOKafkaClient, group: str) -> int:
    """Return how many members a group has; none where there is no such group.

    The embedded broker goes on naming members that have left or died.
    """
    while True:
        try:
            return await _described(client, group)
        except KafkaError as error:  # also where no group has needed a coordinator yet
            if not error.retriable:
                raise
        await asyncio.sleep(_AGAIN_S)


async def _described(client: AIOKafkaClient, group: str) -> int:
    coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
    answer = await client.send(coordinator, DescribeGroupsRequest([group]))
    ((code, _, _, _, _, members, *_),) = answer.groups
    if code:
        raise for_code(code)
    return len(members)
