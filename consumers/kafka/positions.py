"""The `positions` topic: how far each lane has come, written in the transaction of its answers.

One partition, compacted, one record a transaction. It is the truth about a lane's position: what
the broker keeps as a group's committed offset it may forget, and says so without an error. Each key
is written by one transactional id only, so once that producer has fenced the one before, the newest
committed record of the key is exact.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.errors import Fatal, LaneLost
from consumers.kafka.decided import Sorter, Stored, batches, end_of, start_of
from consumers.records import Partition, Place
from schemas.codec import Undecodable, decode, encode, position_key
from schemas.position import Position

PARTITIONS: Final = 1
"""One, so that a position is always found where it was written, whatever is changed later."""
TOPIC_SETTINGS: Final[Mapping[str, str]] = {
    "cleanup.policy": "compact",
    # Small segments and an eager cleaner: what is read at an opening stays within a few megabytes.
    "segment.bytes": str(1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
}
BY_HAND: Final = "by hand"
"""The note of a position that a person has set: answers beyond it are no contradiction."""
_WINDOW: Final = 1_000
"""Offsets before the end that are read first; a lane that was at work lately is among them."""


class Recorded(NamedTuple):
    """A position as it was recorded, and when, by the clock of whoever did."""

    place: Place
    at_ms: int


class PositionLog:
    """What the topic says, read up to its end whenever it is asked. Shared by a process's lanes."""

    def __init__(self, topic: str) -> None:
        self._log = TopicPartition(topic, 0)
        self._reading = asyncio.Lock()
        self._sorter = Sorter()
        self._newest: dict[bytes, Stored] = {}
        self._start, self._end = 0, 0

    async def last(
        self, client: AIOKafkaClient, group: str, of: Iterable[Partition]
    ) -> dict[Partition, Place]:
        """Return what `recorded` does, without the times."""
        found = await self.recorded(client, group, of)
        return {partition: recorded.place for partition, recorded in found.items()}

    async def recorded(
        self, client: AIOKafkaClient, group: str, of: Iterable[Partition]
    ) -> dict[Partition, Recorded]:
        """Return the newest committed position of each partition that has one.

        Ask through the client of the producer that writes them, once it has started and so fenced
        whoever wrote before. Raises `LaneLost` where a transaction of them is still undecided.
        """
        keys = {place: position_key(group, *place) for place in of}
        async with self._reading:
            await self._read_on(client)
            if any(key not in self._newest for key in keys.values()):
                await self._read_back(client)
            self._check_decided(set(keys.values()))
            found = {place: self._newest.get(key) for place, key in keys.items()}
        return {
            place: Recorded(_place(record), record.timestamp_ms)
            for place, record in found.items()
            if record is not None
        }

    def knows_others(self, group: str, topic: str) -> bool:
        """Whether a position of any partition of this topic was there when it was last read."""
        beginning = position_key(group, topic, 0).rpartition(b",")[0]
        return any(key.startswith(beginning + b",") for key in self._newest)

    async def _read_on(self, client: AIOKafkaClient) -> None:
        end = await end_of(client, self._log)
        if self._end == 0 or self._end > end:  # never read, or the topic was made anew
            self._forget(max(end - _WINDOW, 0))
            if self._start:
                self._forget(max(await start_of(client, self._log), self._start))
        await self._read(client, end)

    async def _read_back(self, client: AIOKafkaClient) -> None:
        """Read all there is, where a lane that is asked for stands before what was read."""
        if self._start == 0:
            return
        end = self._end
        self._forget(await start_of(client, self._log))
        await self._read(client, end)
        self._start = 0

    async def _read(self, client: AIOKafkaClient, end: int) -> None:
        async for batch in batches(client, self._log, self._end, end):
            for record in self._sorter.take(batch, self._start):
                if record.value is None:
                    self._newest.pop(record.key or b"", None)
                elif record.key is not None:
                    self._newest[record.key] = record
            self._end = batch.next_offset
        self._end = max(self._end, end)

    def _forget(self, start: int) -> None:
        self._sorter, self._newest = Sorter(), {}
        self._start = self._end = start

    def _check_decided(self, keys: set[bytes]) -> None:
        undecided = (record for held in self._sorter.open.values() for record in held)
        if any(record.key in keys for record in undecided):
            raise LaneLost("a transaction of an earlier owner is not decided yet")


async def record_positions(
    producer: AIOKafkaProducer, topic: str, group: str, places: Mapping[Partition, Place]
) -> list["asyncio.Future[Any]"]:
    """Write positions within the open transaction; return what tells when each is stored."""
    return [
        await producer.send(
            topic,
            key=position_key(group, *partition),
            value=encode(
                Position(
                    group=group,
                    topic=partition.topic,
                    partition=partition.number,
                    offset=place.offset,
                    note=place.note,
                )
            ),
            partition=0,
        )
        for partition, place in places.items()
    ]


def _place(record: Stored) -> Place:
    try:
        found = decode(Position, record.value)
    except Undecodable as fault:
        raise Fatal(
            f"A record on the topic of positions cannot be read, since {fault}: a newer release "
            "wrote it. Use that release here too, or set the position anew with "
            "`edgeroute positions set`."
        ) from None
    return Place(found.offset, found.note)
