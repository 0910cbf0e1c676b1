"""Dead letters: found, shown, and written back to where they came from, each exactly once.

A redrive reads the dead-letters topic by itself, a partition after the other. What it writes back
and how far it is go into one transaction, through a producer of the partition's own, whose opening
fences whoever was at it before: killed at any moment and called again, it neither skips nor
repeats a letter. It ends at what the topic held when it began, or it would chase the letters that
it makes itself.

How far it is, is told for each cause alone (`Places`): to redrive one cause leaves the others
where they are.
"""

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from consumers import kafka
from consumers.errors import Fatal, LaneLost
from consumers.lanes import Partition, Raw
from router.plan import Output
from schemas.codec import Undecodable, decode_dead_letter, redriven_headers
from schemas.dead_letter import Cause, DeadLetter, Redriven

CAUSES: Final[frozenset[Cause]] = frozenset(get_args(Cause))
_BATCH: Final = 500

Outcome = Literal["redriven", "older", "exhausted", "not_whole", "foreign", "left", "done", "later"]
"""What a redrive does with a letter: written back; older than what is meant, and passed over for
good; refused (three of them); of a cause that is not meant; redriven or refused before; or later
than what is meant, at which it stops."""
_HAD_ITS_TURN: Final[frozenset[Outcome]] = frozenset(
    {"redriven", "older", "exhausted", "not_whole", "foreign"}
)


class Found(NamedTuple):
    """A record on the dead-letters topic; without a letter where its headers are not ours."""

    raw: Raw
    letter: DeadLetter | None

    @property
    def is_whole(self) -> bool:
        """Whether value and key are the original's, byte for byte."""
        letter, value = self.letter, self.raw.value or b""
        return (
            letter is not None
            and not letter.truncated
            and not letter.key_dropped
            and letter.size == len(value)
            and letter.sha256 == hashlib.sha256(value).hexdigest()
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant; times are those of the failure, ``until`` is no longer included."""

    causes: frozenset[Cause] = CAUSES
    since: datetime | None = None
    until: datetime | None = None
    partitions: frozenset[int] = frozenset()
    """Of the dead-letters topic; empty means all of them."""

    def is_early(self, letter: DeadLetter) -> bool:
        """Whether it failed before the time that is meant."""
        return self.since is not None and letter.failed_at < self.since

    def is_late(self, letter: DeadLetter) -> bool:
        """Whether it failed after the time that is meant."""
        return self.until is not None and letter.failed_at >= self.until

    def takes(self, found: Found) -> bool:
        """Whether a letter is among those meant; a foreign record only where nothing is asked."""
        letter = found.letter
        if letter is None:
            return self.causes == CAUSES and self.since is None and self.until is None
        return (
            letter.cause in self.causes and not self.is_early(letter) and not self.is_late(letter)
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """The dead-letters topic, and how it is reached."""

    connection: kafka.Connection
    topic: str
    committed_only: bool


@dataclass(frozen=True, slots=True)
class Redrive:
    """Which letters go where, in whose name, and how often one may."""

    choice: Choice
    member: kafka.Member
    transcripts: str
    attempts: int
    """A record that was redriven so often already is refused."""
    transaction_records: int = 512


# -- how far a redrive is --------------------------------------------------------------------------


class Places:
    """How far a partition is redriven, for each cause: everything of it before is done.

    It travels as a committed offset, the lowest place, and a note with those that are further.
    """

    def __init__(self, lowest: int, further: Mapping[str, int] | None = None) -> None:
        # A newer version may know causes that this one does not: they keep their place.
        self._of: dict[str, int] = dict.fromkeys(CAUSES, lowest)
        self._of.update(further or {})

    @classmethod
    def of(cls, place: kafka.Place | None, first: int) -> "Places":
        """Read a committed place; a note that is not ours says nothing. ``first`` starts anew."""
        if place is None:
            return cls(first)
        try:
            note = json.loads(place.note) if place.note else {}
        except ValueError:
            note = {}
        known = note.items() if isinstance(note, dict) else ()
        return cls(
            place.offset, {c: o for c, o in known if isinstance(o, int) and o > place.offset}
        )

    @property
    def committed(self) -> kafka.Place:
        """Return what to commit."""
        lowest = min(self._of.values())
        further = {cause: offset for cause, offset in self._of.items() if offset > lowest}
        return kafka.Place(lowest, json.dumps(further, sort_keys=True) if further else "")

    def start(self, causes: frozenset[Cause]) -> int:
        """Return where to begin to read for these causes."""
        return min(self._of[cause] for cause in causes)

    def end(self) -> int:
        """Return the furthest place."""
        return max(self._of.values())

    def is_done(self, cause: Cause, offset: int) -> bool:
        """Whether a letter of this cause has had its turn."""
        return offset < self._of[cause]

    def moved(self, causes: frozenset[Cause], offset: int) -> "Places":
        """Return the places once these causes have reached ``offset``; no place moves back."""
        reached: dict[str, int] = {cause: max(self._of[cause], offset) for cause in causes}
        return Places(min(self._of.values()), {**self._of, **reached})


# -- what becomes of a letter ----------------------------------------------------------------------


class Step(NamedTuple):
    """What a batch of letters comes to: what to write, how far that is, and whether it ends here.

    ``offset`` is behind the last letter that had its turn.
    """

    outputs: list[Output]
    tally: Counter[Outcome]
    offset: int
    ended: bool


def step(batch: Sequence[Found], offset: int, places: Places, redrive: Redrive) -> Step:
    """Decide over a batch that reaches up to ``offset``."""
    outputs: list[Output] = []
    tally: Counter[Outcome] = Counter()
    for found in batch:
        what = _judged(found, places, redrive)
        if what == "later":
            return Step(outputs, tally, found.raw.offset, ended=True)
        if what in _HAD_ITS_TURN:
            tally[what] += 1
        if what == "redriven":
            outputs.append(_again(found))
    return Step(outputs, tally, offset, ended=False)


def _judged(found: Found, places: Places, redrive: Redrive) -> Outcome:
    letter, choice = found.letter, redrive.choice
    if letter is None:
        # It has no cause and so no place of its own: it is told of when the first comes by.
        return "done" if found.raw.offset < places.end() else "foreign"
    if letter.cause not in choice.causes:
        return "left"
    if places.is_done(letter.cause, found.raw.offset):
        return "done"
    if choice.is_late(letter):
        return "later"
    if choice.is_early(letter):
        return "older"
    return _refused(found, letter, redrive) or "redriven"


def _refused(found: Found, letter: DeadLetter, redrive: Redrive) -> Outcome | None:
    if letter.source.topic != redrive.transcripts:
        return "foreign"
    if letter.attempts >= redrive.attempts:
        return "exhausted"
    return None if found.is_whole else "not_whole"


def _again(found: Found) -> Output:
    """The original record once more, with its history in the headers."""
    raw, letter = found
    assert letter is not None
    history = Redriven(
        attempt=letter.attempts + 1,
        first_source=letter.first_source or letter.source,
        dead_letter=raw.source,
    )
    return Output("transcripts", raw.key, raw.value or b"", redriven_headers(history))


# -- moving ----------------------------------------------------------------------------------------


async def letters(reach: Reach, choice: Choice) -> AsyncIterator[Found]:
    """Yield the letters that are meant, partition by partition, up to what the topic holds now."""
    async with _reading(reach) as span:
        for number in _numbers(span, choice):
            first, end = await span.bounds(number)
            async for records, _ in span.batches(number, first, end, max_records=_BATCH):
                for found in map(_opened, records):
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
                    return _opened(records[0])
    raise Fatal(
        f"There is no dead letter at {number} {offset}: "
        "`edgeroute dead-letters list` shows where there are some."
    )


async def redrive_all(reach: Reach, redrive: Redrive, tally: Counter[Outcome]) -> None:
    """Redrive what is meant; what is committed is added to ``tally``, also where it then fails."""
    async with _reading(reach) as span:
        numbers = _numbers(span, redrive.choice)
        # All ends first: an edge may make new letters while we work.
        bounds = {number: await span.bounds(number) for number in numbers}
        for number, (first, end) in bounds.items():
            mover = kafka.Mover(
                reach.connection,
                redrive.member,
                Partition(reach.topic, number),
                {"transcripts": redrive.transcripts},
            )
            try:
                places = Places.of(await mover.open(), first)
                _check_end(span, number, places.end(), end, redrive)
                start = max(places.start(redrive.choice.causes), first)
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
        done = step([_opened(raw) for raw in records], offset, places, redrive)
        places = places.moved(redrive.choice.causes, done.offset)
        if done.tally:
            await mover.commit(done.outputs, places.committed)
            committed = places.committed
            tally.update(done.tally)
        if done.ended:
            break
    if places.committed != committed:
        await mover.commit([], places.committed)


def _check_end(span: kafka.Span, number: int, place: int, end: int, redrive: Redrive) -> None:
    if place > end:
        raise Fatal(
            f"We have redriven {span.topic}[{number}] up to offset {place}, but the topic ends at "
            f"{end}: it was deleted and made anew. To start anew on it, delete the consumer group "
            f"{redrive.member.group}, then call this again."
        )


def _opened(raw: Raw) -> Found:
    try:
        return Found(raw, decode_dead_letter(raw.headers))
    except Undecodable:
        return Found(raw, None)


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
