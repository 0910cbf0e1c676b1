"""Reading a stretch of a partition's log, and of transactions only what was committed.

A reader of committed records stops before the oldest open transaction, whoever's that is, and what
our own last transaction wrote may stand behind it. So everything is read, and what was committed is
told by the markers that follow: of a producer that was fenced they are all there.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest, OffsetResetStrategy
from aiokafka.record.control_record import COMMIT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords

from schemas.codec import Headers

_FETCH_BYTES: Final = 1024 * 1024
_WAIT_MS: Final = 100
_AGAIN_S: Final = 0.1
_LEADER_S: Final = 10.0
_UNCOMMITTED: Final = 0


class Stored(NamedTuple):
    """A record as it lies in a log."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Sorter:
    """Takes a log's batches in order, and hands on what is committed as soon as that is known."""

    def __init__(self) -> None:
        self.open: dict[int, list[Stored]] = {}
        """Records of transactions without a marker yet, by producer."""

    def take(self, batch: Any, first: int = 0) -> list[Stored]:
        """Return what this batch brings that is committed; of itself only records from ``first``.

        A marker brings all that its producer has written since the one before.
        """
        if batch.is_control_batch:
            held = self.open.pop(batch.producer_id, [])
            committed = any(ControlRecord.parse(record.key) == COMMIT_MARKER for record in batch)
            return held if committed else []
        records = [
            Stored(r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
            for r in batch
            if r.offset >= first
        ]
        if not batch.is_transactional:
            return records
        self.open.setdefault(batch.producer_id, []).extend(records)
        return []


async def end_of(client: AIOKafkaClient, tp: TopicPartition) -> int:
    """Return the offset behind the last record, decided or not, that all replicas have.

    Just after a change of leader the new one may not know it: it is then asked again.
    """
    return await _offset(client, tp, OffsetResetStrategy.LATEST)


async def start_of(client: AIOKafkaClient, tp: TopicPartition) -> int:
    """Return the log's first offset."""
    return await _offset(client, tp, OffsetResetStrategy.EARLIEST)


async def offset_at(client: AIOKafkaClient, tp: TopicPartition, moment_ms: int) -> int | None:
    """Return the offset of the first record from that moment on; None where there is none."""
    found = await _offset(client, tp, max(moment_ms, 0))
    return None if found < 0 else found


async def committed_records(
    client: AIOKafkaClient, tp: TopicPartition, start: int, end: int
) -> AsyncGenerator[Stored, None]:
    """Yield the committed records from ``start`` to before ``end``, in the order of their commits.

    What is undecided at ``end`` is left out.
    """
    sorter = Sorter()
    async for batch in batches(client, tp, start, end):
        for record in sorter.take(batch, start):
            if record.offset < end:
                yield record


async def holds_records(client: AIOKafkaClient, tp: TopicPartition, start: int, end: int) -> bool:
    """Whether committed records, and not only markers, stand from ``start`` to before ``end``."""
    first = max(start, await start_of(client, tp))
    last = min(end, await end_of(client, tp))
    async with aclosing(committed_records(client, tp, first, last)) as records:
        async for _ in records:
            return True
    return False


async def batches(
    client: AIOKafkaClient, tp: TopicPartition, start: int, end: int
) -> AsyncGenerator[Any, None]:
    """Yield the batches that hold the offsets from ``start`` to before ``end``, markers too."""
    position = start
    while position < end:
        throttled_ms, known_end, data = await _fetched(client, tp, position)
        records = MemoryRecords(data)
        if not records.has_next():
            if not throttled_ms and known_end >= end:
                return  # nothing is left behind here: compaction took it
            # A new leader may not know yet that all replicas have what the one before had.
            await asyncio.sleep(max(throttled_ms / 1000, _AGAIN_S))
        while records.has_next() and position < end:
            batch = records.next_batch()
            position = batch.next_offset
            yield batch


async def _fetched(
    client: AIOKafkaClient, tp: TopicPartition, offset: int
) -> tuple[int, int, bytes]:
    """Return how long we were throttled, where the log ends, and the bytes of whole batches."""
    asked = [(tp.topic, [(tp.partition, offset, _FETCH_BYTES)])]
    while True:
        request = FetchRequest(_WAIT_MS, 1, _FETCH_BYTES, _UNCOMMITTED, asked)
        answer = await client.send(await leader_of(client, tp), request)
        [(_, [(_, code, end, *_, data)])] = answer.topics
        if not await _passing(client, code):
            return int(answer.throttle_time_ms), int(end), bytes(data or b"")


async def _offset(client: AIOKafkaClient, tp: TopicPartition, which: int) -> int:
    while True:
        request = OffsetRequest(-1, _UNCOMMITTED, [(tp.topic, [(tp.partition, which)])])
        answer = await client.send(await leader_of(client, tp), request)
        [(_, [(_, code, _, offset)])] = answer.topics
        if not await _passing(client, code):
            return int(offset)


async def leader_of(client: AIOKafkaClient, tp: TopicPartition) -> int:
    """Return the node that leads a partition; `KafkaError` where it has none for long.

    A topic that was made just now gets its leaders a moment later.
    """
    await client.add_topic(tp.topic)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _LEADER_S
    while (node := client.cluster.leader_for_partition(tp)) is None or node < 0:
        if loop.time() > deadline:
            raise LeaderNotAvailableError(f"{tp.topic}[{tp.partition}]")
        await asyncio.sleep(_AGAIN_S)
        await client.force_metadata_update()
    return int(node)


async def _passing(client: AIOKafkaClient, code: int) -> bool:
    """Whether to ask again, after a moment and with new metadata; raise what does not pass."""
    if not code:
        return False
    error = for_code(code)
    if not (issubclass(error, KafkaError) and error.retriable):
        raise error()
    await asyncio.sleep(_AGAIN_S)
    await client.force_metadata_update()
    return True
