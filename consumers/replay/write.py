"""Writes what a file holds, line after line, and says which lines were none."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Generic, Protocol, TypeVar

from consumers.records import Partition, Raw
from consumers.replay.pace import Pace
from consumers.replay.transcripts import Rejected, record_of
from schemas.transcript import Transcript

TOGETHER: Final = 2_000
"""Records that are written before they are committed."""
HELD_S: Final = 0.25
"""How long a record waits for its commit where the replay is paced."""
_BREATH: Final = 500
"""Lines after which the Kafka client gets its turn, where nothing is written."""
_KEPT: Final = 1_000
"""Numbers of malformed lines that are remembered; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Timer:
    """Where time comes from, and what waits."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


P = TypeVar("P")
Add = Callable[[bytes | None, bytes], Awaitable[None]]


class TopicOut(Protocol):
    """Where what a topic held goes; see `consumers.kafka.ExactWriter`."""

    async def add(self, key: bytes | None, value: bytes) -> None: ...

    async def commit_places(self, places: Mapping[Partition, int]) -> None: ...


class Out(Protocol):
    """Where records go; see `consumers.kafka.Writer`."""

    async def add(self, key: bytes | None, value: bytes) -> None: ...

    async def commit(self, position: int) -> None: ...


@dataclass(slots=True)
class Tally:
    """How many lines are done, how many of them were written now, and which were malformed."""

    done: int = 0
    sent: int = 0
    malformed: int = 0
    first: list[int] = field(default_factory=list)

    def reject(self, line: int) -> None:
        """Count a malformed line."""
        self.malformed += 1
        if self.malformed <= _KEPT:
            self.first.append(line)


class SideFile:
    """Keeps a file's malformed lines, as JSON lines; it is made, or made anew, at the first.

    With ``follows`` it goes on after what another file's lines have left there.
    """

    def __init__(self, path: Path, of: str, *, follows: bool = False) -> None:
        self.path = path
        self._of = of
        self._mode: Final = "a" if follows else "w"
        self._stream: IO[str] | None = None

    def add(self, rejected: Rejected) -> None:
        """Keep a line. It is ASCII, in which also bytes that are no text can be written."""
        if self._stream is None:
            self._stream = self.path.open(self._mode, encoding="ascii")
        what = {"line": rejected.line, "rule": rejected.rule, "raw": rejected.raw}
        self._stream.write(json.dumps({"file": self._of, **what}) + "\n")

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


async def write(
    items: Iterable[Transcript | Rejected],
    out: Out,
    before: int,
    pace: Pace,
    timer: Timer,
    reject: Callable[[Rejected], None],
) -> Tally:
    """Write the items after the first ``before``, which an earlier call has done.

    The position that is committed with them counts all items, also those that are malformed. These
    are all told to ``reject``, also those among the first: what is kept of them is then whole,
    wherever the earlier call ended.
    """
    tally, held = Tally(), _Held(out.add, out.commit, timer, before)
    for item in items:
        if isinstance(item, Rejected):
            tally.reject(item.line)
            reject(item)
        elif tally.done >= before:
            await held.wait(pace.wait_s(item.timestamp), tally.done)
            await held.add(item)
            tally.sent += 1
        tally.done += 1
        if held.records >= TOGETHER:
            await held.commit(tally.done)
        elif tally.done % _BREATH == 0:
            await asyncio.sleep(0)
    if tally.done > held.position:
        await held.commit(tally.done)
    return tally


async def write_history(
    records: AsyncIterator[Raw],
    out: TopicOut,
    pace: Pace,
    timer: Timer,
    reread: Callable[[Raw], Transcript | Rejected | None],
) -> Tally:
    """Write what a topic holds; ``reread`` says None of a record that is to be left out.

    The position is the offset that comes next in each partition that is read.
    """
    tally = Tally()
    places: dict[Partition, int] = {}
    held = _Held[Mapping[Partition, int]](out.add, out.commit_places, timer, {})
    async for raw in records:
        item = reread(raw)
        if isinstance(item, Rejected):
            tally.reject(item.line)
        elif item is not None:
            await held.wait(pace.wait_s(None), dict(places))
            await held.add(item)
            tally.sent += 1
        places[Partition(raw.topic, raw.partition)] = raw.offset + 1
        tally.done += 1
        if held.records >= TOGETHER:
            await held.commit(dict(places))
    if places != held.position:
        await held.commit(places)
    return tally


class _Held(Generic[P]):
    """What is written and not committed yet."""

    def __init__(
        self, add: Add, commit: Callable[[P], Awaitable[None]], timer: Timer, position: P
    ) -> None:
        self._add = add
        self._commit = commit
        self._timer = timer
        self._since = 0.0
        self.position = position
        self.records = 0

    async def add(self, transcript: Transcript) -> None:
        if self.records == 0:
            self._since = self._timer.now()
        self.records += 1
        await self._add(*record_of(transcript))

    async def wait(self, seconds: float, position: P) -> None:
        """Wait for the next record, and let none that is written wait too long with it."""
        if seconds <= 0:
            return
        if self.records and self._timer.now() + seconds - self._since > HELD_S:
            begun = self._timer.now()
            await self.commit(position)
            seconds -= self._timer.now() - begun
        if seconds > 0:
            await self._timer.sleep(seconds)

    async def commit(self, position: P) -> None:
        await self._commit(position)
        self.position, self.records = position, 0
