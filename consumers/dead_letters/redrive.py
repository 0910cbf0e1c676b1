"""Dead letters: found, shown, and written back to where they came from, each exactly once.

A redrive reads the dead-letters topic by itself, a partition after the other. What it writes back
and how far it is go into one transaction, through a producer of the partition's own, whose opening
fences whoever was at it before: killed at any moment and called again, it neither skips nor
repeats a letter. It ends at what the topic held when it began, or it would chase the letters that
it makes itself. What becomes of a letter is decided in `consumers.dead_letters.triage`.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from consumers import kafka
from consumers.dead_letters.triage import Choice, Found, Outcome, Places, Rules, opened, step
from consumers.errors import Fatal, LaneLost
from consumers.positions import redriven_letter
from consumers.records import Partition, Raw

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Reach:
    """The dead-letters topic, and how it is reached."""

    connection: kafka.Connection
    topic: str
    committed_only: bool


@dataclass(frozen=True, slots=True)
class Redrive:
    """What is redriven, and in whose name."""

    rules: Rules
    member: kafka.Member
    positions: str
    """The topic that the places are recorded on."""
    transaction_records: int = 512


async def letters(reach: Reach, choice: Choice) -> AsyncIterator[Found]:
    """Yield the letters that are meant, partition by partition, up to what the topic holds now."""
    async with _reading(reach) as span:
        for number in _numbers(span, choice):
            first, end = await span.bounds(number)
            async for records, _ in span.batches(number, first, end, max_records=_BATCH):
                for found in map(opened, records):
                    if choice.takes(found):
                        yield found


async def letter_at(reach: Reach, number: int, offset: int) -> Found:
    """Return the record at a position; raise `Fatal` where there is none."""
    async with _reading(reach) as span:
        _numbers(span, Choice(partitions=frozenset({number})))
        first, end = await span.bounds(number)
        if first <= offset < end:
            async for records, _ in span.batches(number, offset, offset + 1, max_records=1):
                if records:
                    return opened(records[0])
    raise Fatal(
        f"There is no dead letter at {number} {offset}: "
        "`edgeroute dead-letters list` shows where there are some."
    )


async def redrive_all(reach: Reach, redrive: Redrive, tally: Counter[Outcome]) -> None:
    """Redrive what is meant; what is committed is added to ``tally``, also where it then fails."""
    # A producer would wait for a topic that is not there, and then blame the broker.
    for topic in (redrive.rules.transcripts, redrive.positions):
        await kafka.partitions_of(reach.connection, topic)
    async with _reading(reach) as span:
        numbers = _numbers(span, redrive.rules.choice)
        # All ends first: an edge may make new letters while we work.
        bounds = {number: await span.bounds(number) for number in numbers}
        for number, (first, end) in bounds.items():
            mover = kafka.Mover(
                reach.connection,
                redrive.member,
                Partition(reach.topic, number),
                {"transcripts": redrive.rules.transcripts},
                redrive.positions,
                kafka.Outputs(reach.topic, {redrive.rules.transcripts: redriven_letter}),
            )
            try:
                places = Places.of(await mover.open(), first)
                await _check_end(span, number, places.end(), redrive)
                start = max(places.start(redrive.rules.choice.causes), first)
                batches = span.batches(number, start, end, max_records=redrive.transaction_records)
                await _move(batches, mover, places, redrive, tally)
            except LaneLost as error:
                raise Fatal(
                    f"Redriving stopped at {reach.topic}[{number}] with {error}, perhaps since "
                    "another redrive has begun: see that none runs and the broker is there, then "
                    "call this again, and it goes on where it was."
                ) from error
            finally:
                await mover.close()


async def _move(
    batches: AsyncIterator[tuple[list[Raw], int]],
    mover: kafka.Mover,
    places: Places,
    redrive: Redrive,
    tally: Counter[Outcome],
) -> None:
    committed = places.committed
    async for records, offset in batches:
        done = step([opened(raw) for raw in records], offset, places, redrive.rules)
        places = places.moved(redrive.rules.choice.causes, done.offset)
        if done.tally:
            await mover.commit(done.outputs, places.committed)
            committed = places.committed
            tally.update(done.tally)
        if done.ended:
            break
    if places.committed != committed:
        await mover.commit([], places.committed)


async def _check_end(span: kafka.Span, number: int, place: int, redrive: Redrive) -> None:
    """Refuse to go on in a topic that was made anew; another redrive may have got past our end."""
    _, end = await span.bounds(number)
    if place > end:
        raise Fatal(
            f"We have redriven {span.topic}[{number}] up to offset {place}, but the topic ends at "
            f"{end}: it was deleted and made anew. To start anew on it, call `edgeroute positions "
            "set redrive --to-start`, then this again."
        )


def _reading(reach: Reach) -> AbstractAsyncContextManager[kafka.Span]:
    return kafka.reading(reach.connection, reach.topic, committed_only=reach.committed_only)


def _numbers(span: kafka.Span, choice: Choice) -> list[int]:
    """Return the partitions that are meant, or raise `Fatal` where one is not there."""
    missing = sorted(choice.partitions.difference(span.partitions))
    if missing:
        raise Fatal(
            f"There is no partition {missing[0]} of {span.topic}: "
            f"it has 0 to {len(span.partitions) - 1}."
        )
    return sorted(choice.partitions) or span.partitions
