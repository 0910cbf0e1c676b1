"""The offset a group has committed, asked for in a way that does not mistake an error for none."""

import asyncio
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from consumers.lanes import Place

_AGAIN_S: Final = 0.1


async def committed_offset(client: AIOKafkaClient, group: str, tp: TopicPartition) -> int | None:
    """Return the committed offset, None where there is none; raise `KafkaError` where unknown."""
    place = await committed_place(client, group, tp)
    return None if place is None else place.offset


async def committed_place(client: AIOKafkaClient, group: str, tp: TopicPartition) -> Place | None:
    """Return the committed offset with its note, as `committed_offset`.

    aiokafka's own ``committed`` ignores the error of the whole answer. A coordinator that is still
    loading, as after a restart, gives that error and no partitions, which then looks like a group
    that never committed: the partition would be read again from its start.
    """
    while True:
        coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
        request = OffsetFetchRequest(group, [(tp.topic, [tp.partition])])
        answer = await client.send(coordinator, request)
        found = [place for _, places in answer.topics for place in places]
        codes = [getattr(answer, "error_code", 0), *(code for _, _, _, code in found)]
        error = for_code(next((code for code in codes if code), 0))
        if issubclass(error, KafkaError) and error.errno != 0:
            if not error.retriable:
                raise error()
            await asyncio.sleep(_AGAIN_S)
            continue
        if not found:
            raise KafkaError("the coordinator did not answer for the partition")
        _, offset, note, _ = found[0]
        return None if offset < 0 else Place(int(offset), str(note or ""))
