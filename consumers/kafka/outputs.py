"""What the output topics say of how far the lanes of an input topic have come."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from consumers.kafka.decided import committed_records, end_of, start_of
from consumers.lanes import Partition
from consumers.positions import Answers

log = logging.getLogger(__name__)
TAIL: Final = 20_000
"""Offsets of each partition that are read back, where no more is asked for."""


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
        self._found: dict[int, int] = {}
        self._was_whole = False

    async def answered(
        self, client: AIOKafkaClient, partition: Partition, *, whole: bool = False
    ) -> int | None:
        """Return the offset behind the last input answered; None where none is to be found.

        Reads the last `TAIL` offsets of each partition; where that has none, all with ``whole``.
        """
        found = await self._look(client, partition, whole=False)
        if found is None and whole:
            found = await self._look(client, partition, whole=True)
        return found

    async def _look(
        self, client: AIOKafkaClient, partition: Partition, *, whole: bool
    ) -> int | None:
        wanted = self._looks + 1
        async with self._looking:
            if self._looks < wanted or (whole and not self._was_whole):
                self._looks += 1
                self._was_whole = whole
                self._found = {}
                for topic, answers in self._answers.items():
                    await self._read(client, topic, answers, whole=whole)
            return self._found.get(partition.number)

    async def _read(
        self, client: AIOKafkaClient, topic: str, answers: Answers, *, whole: bool
    ) -> None:
        await client.add_topic(topic)
        for number in sorted(client.cluster.partitions_for_topic(topic) or ()):
            tp = TopicPartition(topic, number)
            end = await end_of(client, tp)
            start = max(await start_of(client, tp), 0 if whole else end - TAIL)
            log.info("looking into %s[%d] from %d to %d for answers", topic, number, start, end)
            async for record in committed_records(client, tp, start, end):
                of = answers(record.value, record.headers)
                if of is not None and of.topic == self._inputs:
                    self._found[of.partition] = max(self._found.get(of.partition, 0), of.offset + 1)
