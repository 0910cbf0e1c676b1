"""Looking at a consumer group from outside: who is in it, and how long its oldest record waits."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.kafka.connection import REQUEST_TIMEOUT_S, Connection, close_for_good, lane_errors
from consumers.kafka.offsets import committed_places, members_of
from router.availability import Observation

_FETCH_BYTES: Final = 64 * 1024
"""Of each partition at each look: only the first record is wanted."""
_PATIENCE_S: Final = 0.3
"""How long a look waits for first records; most partitions have none that waits."""


class GroupProgress:
    """A group's progress on a topic, seen through clients of its own that are in no group.

    The age of a record counts, not the lag: transactions leave markers, which take offsets, and a
    lag of a thousand says nothing about how long anybody has waited. A reader of committed records
    that stands at the group's position passes over markers, so what it finds there does wait.
    """

    def __init__(
        self,
        connection: Connection,
        group: str,
        topic: str,
        now: Callable[[], datetime],
        *,
        committed_only: bool,
    ) -> None:
        self._connection = connection
        self._group = group
        self._topic = topic
        self._now = now
        self._isolation = "read_committed" if committed_only else "read_uncommitted"
        self._client: AIOKafkaClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._standing: dict[int, int | None] = {}
        self._first_ms: dict[int, int] = {}

    async def look(self) -> Observation:
        """Return what is to be seen now; raise `LaneLost` or `Fatal` where nothing is.

        Positions are read before records, so what is answered in between makes the oldest record
        look older than it is, by no more than a look takes.
        """
        async with lane_errors(), asyncio.timeout(2 * REQUEST_TIMEOUT_S):
            client, reader = await self._opened()
            members = await members_of(client, self._group)
            numbers = self._partitions(client, reader)
            places = await committed_places(client, self._group, self._topic, numbers)
            positions = {n: None if place is None else place.offset for n, place in places.items()}
            await self._stand_at(reader, positions)
            await self._read_firsts(reader)
        return Observation(members, self._oldest_s())

    async def close(self) -> None:
        """Let go of both clients; the next look opens new ones."""
        reader, client, self._reader, self._client = self._reader, self._client, None, None
        self._standing.clear()
        self._first_ms.clear()
        if reader is not None:
            fetcher = reader._fetcher  # noqa: SLF001 - a stop that is cut off leaves it running
            ends = (reader.stop, fetcher.close) if fetcher is not None else (reader.stop,)
            await close_for_good(reader._client, *ends)  # noqa: SLF001
        if client is not None:
            await close_for_good(client)

    async def _opened(self) -> tuple[AIOKafkaClient, AIOKafkaConsumer]:
        if self._client is None or self._reader is None:
            self._client = AIOKafkaClient(**self._connection.options())
            self._reader = AIOKafkaConsumer(
                **self._connection.options(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level=self._isolation,
                max_partition_fetch_bytes=_FETCH_BYTES,
            )
            await self._client.bootstrap()
            await self._client.add_topic(self._topic)
            await self._reader.start()
        return self._client, self._reader

    def _partitions(self, client: AIOKafkaClient, reader: AIOKafkaConsumer) -> list[int]:
        """Return the topic's partitions, and be assigned to all of them, also to new ones."""
        numbers = sorted(client.cluster.partitions_for_topic(self._topic) or ())
        if {tp.partition for tp in reader.assignment()} != set(numbers):
            reader.assign([TopicPartition(self._topic, number) for number in numbers])
            self._standing.clear()
            self._first_ms.clear()
        return numbers

    async def _stand_at(
        self, reader: AIOKafkaConsumer, positions: Mapping[int, int | None]
    ) -> None:
        """Go to the group's position wherever it has moved; elsewhere what was read holds.

        A group goes only forwards: a broker that says otherwise has forgotten for a moment.
        """
        for number, offset in positions.items():
            if number in self._standing and (offset or -1) <= (self._standing[number] or -1):
                continue
            place = TopicPartition(self._topic, number)
            if offset is None:
                await reader.seek_to_beginning(place)
            else:
                reader.seek(place, offset)
            self._standing[number] = offset
            self._first_ms.pop(number, None)

    async def _read_firsts(self, reader: AIOKafkaConsumer) -> None:
        """Read the first record after each position, as far as there is one."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        while (left := deadline - loop.time()) > 0:
            unread = [
                TopicPartition(self._topic, number)
                for number in self._standing
                if number not in self._first_ms
            ]
            if not unread:
                return
            fetched = await reader.getmany(*unread, timeout_ms=int(left * 1000))
            for place, records in fetched.items():
                if records:
                    self._first_ms[place.partition] = records[0].timestamp

    def _oldest_s(self) -> float | None:
        """Return the age of the oldest record that waits, by two machines' clocks: at least 0."""
        if not self._first_ms:
            return None
        return max(self._now().timestamp() - min(self._first_ms.values()) / 1000, 0.0)
