"""What the output topics say of how far the lanes of an input topic have come."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.kafka.decided import Sorter, batches, end_of, offset_at, start_of
from consumers.positions import Answers
from consumers.records import Partition
from schemas.record import Source

log = logging.getLogger(__name__)
TAIL: Final = 20_000
"""Offsets of each partition that are read back at least."""
SKEW_MS: Final = 3_600_000
"""How far the clocks of two machines that write may be apart."""


class _Tail:
    """How far a partition of outputs has been read, and from where on."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.position = start
        self.sorter = Sorter()


class Outputs:
    """Looks for the last input of each lane that the outputs answer.

    A look reads every partition of the output topics up to its end. Whoever asks has fenced its
    lane before, so that nothing can be added meanwhile. What was read once is not read again: a
    look that is cut off is carried on by the next.
    """

    def __init__(self, inputs: str, answers: Mapping[str, Answers]) -> None:
        """``answers`` tells for each output topic which input a record of it answers."""
        self._inputs = inputs
        self._answers = answers
        self._looking = asyncio.Lock()
        self._tails: dict[TopicPartition, _Tail] = {}
        self._found: dict[int, int] = {}

    async def answered(
        self, client: AIOKafkaClient, partition: Partition, since_ms: int | None = None
    ) -> int | None:
        """Return the offset behind the last input answered; None where none is to be found.

        Reads the last `TAIL` offsets of each partition, and further back what was written from
        ``since_ms`` on, by whatever clock; 0 reads all.
        """
        async with self._looking:
            for topic, answers in self._answers.items():
                await client.add_topic(topic)
                for number in sorted(client.cluster.partitions_for_topic(topic) or ()):
                    await self._read(client, TopicPartition(topic, number), answers, since_ms)
        return self._found.get(partition.number)

    async def _read(
        self, client: AIOKafkaClient, tp: TopicPartition, answers: Answers, since_ms: int | None
    ) -> None:
        end = await end_of(client, tp)
        start = await self._start(client, tp, end, since_ms)
        tail = self._tails.get(tp)
        if tail is None or not tail.start <= start <= tail.position <= end:
            tail = self._tails[tp] = _Tail(start)
        if tail.position < end:
            log.info("looking into %s[%d] from %d to %d for answers", *tp, tail.position, end)
        async for batch in batches(client, tp, tail.position, end):
            for record in tail.sorter.take(batch, tail.start):
                self._note(answers(record.value, record.headers))
            tail.position = batch.next_offset
        tail.position = max(tail.position, end)

    def _note(self, answered: Source | None) -> None:
        if answered is not None and answered.topic == self._inputs:
            known = self._found.get(answered.partition, 0)
            self._found[answered.partition] = max(known, answered.offset + 1)

    async def _start(
        self, client: AIOKafkaClient, tp: TopicPartition, end: int, since_ms: int | None
    ) -> int:
        first, start = await start_of(client, tp), end - TAIL
        if since_ms is not None:
            earliest = await offset_at(client, tp, since_ms - SKEW_MS)
            start = min(start, end if earliest is None else earliest)
        return max(first, start)
