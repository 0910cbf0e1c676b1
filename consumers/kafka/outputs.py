"""What the output topics say of how far the lanes of an input topic have come."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.kafka.decided import committed_records, end_of, offset_at, start_of
from consumers.lanes import Partition
from consumers.positions import Answers

log = logging.getLogger(__name__)
TAIL: Final = 20_000
"""Offsets of each partition that are read back at least."""
SKEW_MS: Final = 3_600_000
"""How far the clocks of two machines that write may be apart."""


class Outputs:
    """Looks for the last input of each lane that the outputs answer.

    A look reads every partition of the output topics, and serves all lanes that had asked when it
    began: whoever asks has fenced its lane before, so that nothing can be added meanwhile.
    """

    def __init__(self, inputs: str, answers: Mapping[str, Answers]) -> None:
        """``answers`` tells for each output topic which input a record of it answers."""
        self._inputs = inputs
        self._answers = answers
        self._looking = asyncio.Lock()
        self._looks = 0
        self._since_ms: int | None = None
        self._found: dict[int, int] = {}

    async def answered(
        self, client: AIOKafkaClient, partition: Partition, since_ms: int | None = None
    ) -> int | None:
        """Return the offset behind the last input answered; None where none is to be found.

        Reads the last `TAIL` offsets of each partition, and further back what was written from
        ``since_ms`` on, by whatever clock; 0 reads all.
        """
        wanted = self._looks + 1
        async with self._looking:
            if self._looks < wanted or not self._reaches(since_ms):
                self._looks += 1
                self._since_ms, self._found = since_ms, {}
                for topic, answers in self._answers.items():
                    await self._read(client, topic, answers)
            return self._found.get(partition.number)

    def _reaches(self, since_ms: int | None) -> bool:
        """Whether the last look went as far back as that."""
        if since_ms is None:
            return True
        return self._since_ms is not None and self._since_ms <= since_ms

    async def _read(self, client: AIOKafkaClient, topic: str, answers: Answers) -> None:
        await client.add_topic(topic)
        for number in sorted(client.cluster.partitions_for_topic(topic) or ()):
            tp = TopicPartition(topic, number)
            end = await end_of(client, tp)
            start = max(await start_of(client, tp), await self._start(client, tp, end))
            log.info("looking into %s[%d] from %d to %d for answers", topic, number, start, end)
            async for record in committed_records(client, tp, start, end):
                of = answers(record.value, record.headers)
                if of is not None and of.topic == self._inputs:
                    self._found[of.partition] = max(self._found.get(of.partition, 0), of.offset + 1)

    async def _start(self, client: AIOKafkaClient, tp: TopicPartition, end: int) -> int:
        if self._since_ms is None:
            return end - TAIL
        earliest = await offset_at(client, tp, self._since_ms - SKEW_MS)
        return min(end - TAIL, end if earliest is None else earliest)
