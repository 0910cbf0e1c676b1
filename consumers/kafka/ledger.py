"""Where the lanes of a group go on, found out when they open.

1. Our own record of the position is read, and the offset that the broker says was committed.
2. Where the two agree, that is it. Else the outputs are asked too, and `consumers.positions.judged`
   tells whom to believe.
3. Where that is nobody, the broker is asked again until it says what fits, or until our patience
   ends: a lane never begins again by itself.
4. What differs from the position found is put right, in a transaction, before anything is read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import OffsetAndMetadata

from consumers.errors import Fatal, LaneLost
from consumers.kafka.connection import lane_errors
from consumers.kafka.decided import holds_records, start_of
from consumers.kafka.offsets import committed_offset
from consumers.kafka.outputs import Outputs
from consumers.kafka.positions import (
    BY_HAND,
    PositionLog,
    Recorded,
    Undecided,
    record_positions,
)
from consumers.positions import NEW, Doubt, Witnesses, judged, undisputed
from consumers.records import Partition, Place

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lane waits for the witnesses of its position to agree. Times are in seconds."""

    again_s: float = 1.0
    opening_s: float = 45.0
    """One opening asks for this long; the lane then says why it was lost, and opens again."""
    whole_s: float = 300.0
    """After this long the role ends."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found out about a lane, besides what the broker says."""

    recorded: int | None
    answered: int | None


CheckEnd = Callable[[Partition, int], Awaitable[None]]
"""Raises `Fatal` where a position lies past the log's end."""


class Ledger:
    """The positions of a group on one topic, for the lanes of one process."""

    def __init__(
        self,
        group: str,
        positions: str,
        outputs: Outputs,
        now: Callable[[], float],
        patience: Patience | None = None,
    ) -> None:
        """``positions`` is the topic that they are recorded on."""
        self._group = group
        self.topic = positions
        self._log = PositionLog(positions)
        self._outputs = outputs
        self._now = now
        self._patience = patience or Patience()
        self._doubted_since: dict[Partition, float] = {}
        self._reached: dict[Partition, int] = {}

    async def open(
        self, partition: Partition, producer: AIOKafkaProducer, check_end: CheckEnd
    ) -> int:
        """Return the position to go on at; ``producer`` has started, and so fenced all others.

        Raises `LaneLost` where it cannot be found out now, `Fatal` where a person must decide.
        """
        async with lane_errors():
            client = producer.client
            recorded = await self._recorded(client, partition)
            ours = None if recorded is None else recorded.place.offset
            theirs = await committed_offset(client, self._group, TopicPartition(*partition))
            position = undisputed(ours, theirs)
            if recorded is not None and recorded.place.note == BY_HAND:
                # A person knows of the answers beyond it, and wants them again.
                position = ours
            if position is None:
                position, theirs = await self._settled(client, partition, recorded, theirs)
            await self._check(partition, position, check_end)
            if not position == ours == theirs:
                self._say(partition, position, ours, theirs)
                note = recorded.place.note if recorded is not None and position == ours else ""
                await self._put_right(producer, partition, Place(position, note))
        self._doubted_since.pop(partition, None)
        return position

    async def _recorded(self, client: AIOKafkaClient, partition: Partition) -> Recorded | None:
        try:
            return (await self._log.recorded(client, self._group, [partition])).get(partition)
        except Undecided as hanging:
            since = self._doubted_since.setdefault(partition, self._now())
            if self._now() - since <= self._patience.whole_s:
                raise
            raise Fatal(
                f"A transaction hangs in {hanging.log.topic}[{hanging.log.partition}] from offset "
                f"{hanging.offset} on, and the broker has lost track of it. End it with "
                "`edgeroute transactions finish`, then start this again."
            ) from hanging

    def committed(self, partition: Partition, next_offset: int) -> None:
        """Remember that a transaction of ours is committed: nothing may go behind it."""
        self._reached[partition] = next_offset

    async def _settled(
        self,
        client: AIOKafkaClient,
        partition: Partition,
        recorded: Recorded | None,
        theirs: int | None,
    ) -> tuple[int, int | None]:
        """Return the position, and what the broker said when it was found."""
        begun = self._now()
        since_ms = await self._since_ms(client, partition, recorded, theirs)
        answered = await self._outputs.answered(client, partition, since_ms)
        found = _Found(None if recorded is None else recorded.place.offset, answered)
        while True:
            verdict = judged(await self._witnesses(client, partition, found, theirs))
            if not isinstance(verdict, Doubt):
                if verdict == NEW:
                    return await start_of(client, TopicPartition(*partition)), theirs
                return int(verdict), theirs
            self._check_patience(partition, verdict, begun)
            await asyncio.sleep(self._patience.again_s)
            theirs = await committed_offset(client, self._group, TopicPartition(*partition))

    async def _since_ms(
        self,
        client: AIOKafkaClient,
        partition: Partition,
        recorded: Recorded | None,
        theirs: int | None,
    ) -> int | None:
        """Return from when on the outputs must be asked, besides their last ones."""
        if recorded is not None:
            # Beyond our record there may be answers of an older release, of any time since.
            return recorded.at_ms if (theirs or 0) > recorded.place.offset else None
        # A partition that came later than its siblings' first records is new, or nearly so.
        if theirs is not None:
            return None
        siblings = await self._log.knows_others(client, self._group, partition.topic)
        return None if siblings else 0

    async def _witnesses(
        self, client: AIOKafkaClient, partition: Partition, found: _Found, theirs: int | None
    ) -> Witnesses:
        recorded, answered, tp = found.recorded, found.answered, TopicPartition(*partition)
        skips = answered is not None and theirs is not None and theirs > answered
        if skips and (recorded is None or recorded < (answered or 0)):
            skips = await holds_records(client, tp, answered or 0, theirs or 0)
        return Witnesses(recorded, theirs, answered, skips)

    def _check_patience(self, partition: Partition, doubt: Doubt, begun: float) -> None:
        """Say a doubt when it begins and when an opening ends with it; raise where it lasts."""
        now, where = self._now(), f"{partition.topic}[{partition.number}]"
        if partition not in self._doubted_since:
            self._doubted_since[partition] = now
            log.warning("%s: we wait, since %s", where, doubt.why)
        if now - self._doubted_since[partition] > self._patience.whole_s:
            raise Fatal(
                f"Nobody can tell where {self._group} stands in {where}: {doubt.why}. Look at "
                "`edgeroute positions show`, then set the position with `edgeroute positions set "
                f"{self._group.rpartition('.')[2]} {partition.number} --to {doubt.proposed}`."
            )
        if now - begun > self._patience.opening_s:
            raise LaneLost(f"its position is in doubt: {doubt.why}")

    def _say(
        self, partition: Partition, position: int, ours: int | None, theirs: int | None
    ) -> None:
        where = f"{partition.topic}[{partition.number}]"
        if theirs is None and ours is None:
            log.info("%s: new to %s: we begin at %d", where, self._group, position)
        elif ours is None:
            log.info(
                "%s: nothing was recorded: we go on where the broker says, %d", where, position
            )
        elif position == ours:
            says = "none" if theirs is None else str(theirs)
            log.warning(
                "%s: the broker says %s of our position, which is %d: we go on at ours",
                where,
                says,
                position,
            )
        else:
            log.warning(
                "%s: %d is recorded, but an older release went on to %d: we go on there",
                where,
                ours,
                position,
            )

    async def _put_right(
        self, producer: AIOKafkaProducer, partition: Partition, place: Place
    ) -> None:
        """Make record and committed offset say the position before anything is read from there."""
        await producer.begin_transaction()
        stored = await record_positions(producer, self.topic, self._group, {partition: place})
        offsets = {TopicPartition(*partition): OffsetAndMetadata(*place)}
        await producer.send_offsets_to_transaction(offsets, self._group)
        await asyncio.gather(*stored)
        await producer.commit_transaction()

    async def _check(self, partition: Partition, position: int, check_end: CheckEnd) -> None:
        """Refuse a position past the log's end, or behind what this process has committed."""
        await check_end(partition, position)
        reached = self._reached.get(partition, 0)
        if position < reached:
            raise LaneLost(
                f"its position is said to be {position}, but this process has committed up to "
                f"{reached}: start it again if somebody has set the position back"
            )
