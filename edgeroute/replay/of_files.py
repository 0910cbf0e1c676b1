"""Writes files of transcripts to the topic: as replays, or as live traffic."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from consumers import kafka
from consumers.replay.pace import Pace
from consumers.replay.transcripts import (
    Reading,
    Rejected,
    ReplayError,
    digest_of,
    lines_in,
    stem_of,
    transcripts,
)
from consumers.replay.write import SideFile, Timer, write
from edgeroute import roles
from edgeroute.settings import Settings

TIMER: Final = Timer(roles.CLOCK.monotonic, asyncio.sleep)
_SHOWN: Final = 10
_LONGEST_NAME: Final = 200
"""Characters of a file's name in a run id."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How files are replayed. Without ``run_id`` the files name it; with ``live`` there is none.

    ``again`` starts from the first line, whatever was done before. ``rejected`` is where malformed
    lines are kept; without it, next to each file, and nowhere unless ``side_files``.
    """

    run_id: str | None = None
    live: bool = False
    escalate: bool = False
    again: bool = False
    rate: float | None = None
    speed: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    rejected: Path | None = None
    side_files: bool = True


@dataclass(frozen=True, slots=True)
class Fed:
    """What came of a file: transcripts written, malformed lines, and the numbers of the first.

    ``before`` are the lines that an earlier call had done; where it is not ``exact``, none are
    known. ``side`` is where the malformed lines are.
    """

    sent: int
    malformed: int
    first: tuple[int, ...]
    before: int = 0
    run_id: str | None = None
    side: Path | None = None
    exact: bool = False

    def left_out(self) -> str:
        """Return a sentence about the malformed lines."""
        lines = ", ".join(map(str, self.first[:_SHOWN])) + (
            ", …" if self.malformed > _SHOWN else ""
        )
        what = "1 malformed line" if self.malformed == 1 else f"{self.malformed:,} malformed lines"
        kept = f" (kept in {self.side})" if self.side else ""
        return f"{what} left out: {lines}{kept}"


def feed(
    settings: Settings, file: Path, run_id: str | None, console: Console, *, as_live: bool = False
) -> Fed:
    """Write one file's transcripts, as a replay or as live traffic; keep no side file.

    Raises `ReplayError` where the file cannot be read or holds no transcript at all.
    """
    how = Replay(run_id=run_id, live=as_live, side_files=False)
    [fed] = replay(settings, [file], how, console)
    return fed


def replay(
    settings: Settings,
    files: Sequence[Path],
    how: Replay,
    console: Console,
    timer: Timer = TIMER,
) -> list[Fed]:
    """Write the files' transcripts, one file after the other, each from where it has come to.

    Raises `ReplayError` where a file cannot be read or holds no transcript at all.
    """
    return asyncio.run(_replay(settings, files, how, console, timer))


async def _replay(
    settings: Settings, files: Sequence[Path], how: Replay, console: Console, timer: Timer
) -> list[Fed]:
    await kafka.partitions_of(roles.connection(settings), settings.topics.transcripts)
    digests = [await asyncio.to_thread(digest_of, file) for file in files]
    run_id = run_of(files, digests, how)
    exact = await roles.delivers_exactly_once(settings)
    if exact:
        await kafka.partitions_of(roles.connection(settings), settings.topics.positions)
    fed: list[Fed] = []
    for file, digest in zip(files, digests, strict=True):
        one = _One(file, Reading(run_id, how.escalate or None, how.columns, digest), how)
        side = _side_file(file, how, follows=bool(fed))
        with closing(side):
            fed.append(await _feed(settings, one, side, exact, console, timer))
    return fed


@dataclass(frozen=True, slots=True)
class _One:
    file: Path
    reading: Reading
    how: Replay


async def _feed(
    settings: Settings, one: _One, side: SideFile, exact: bool, console: Console, timer: Timer
) -> Fed:
    how, file = one.how, one.file
    pace = Pace(timer.now, rate=how.rate, speed=how.speed)
    async with _writer(settings, one.reading, exact) as out:
        before = 0 if how.again else out.position
        with (
            progress(console, file.name, partial(lines_in, file)) as told,
            closing(transcripts(file, one.reading, told)) as items,
        ):
            reject = side.add if how.side_files else _forget
            tally = await write(items, out, before, pace, timer, reject)
    if tally.malformed and tally.malformed == tally.done:
        raise ReplayError(
            f"There is no transcript in {file} ({tally.malformed:,} malformed lines): "
            "each line must be a JSON object or CSV row with at least role and text."
        )
    left_out = side.path if how.side_files and tally.malformed else None
    return Fed(
        tally.sent,
        tally.malformed,
        tuple(tally.first),
        before=min(before, tally.done),
        run_id=one.reading.run_id,
        side=left_out,
        exact=out.exact,
    )


def run_of(files: Sequence[Path], digests: Sequence[str], how: Replay) -> str | None:
    """Return the run id: the one given, else one that only the same files have."""
    if how.live or how.run_id is not None:
        return None if how.live else how.run_id
    every = digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()
    # A name may hold bytes that are no text.
    name = stem_of(files[0])[:_LONGEST_NAME].encode(errors="replace").decode()
    return f"{name}-{every[:8]}"


def _writer(
    settings: Settings, reading: Reading, exact: bool
) -> AbstractAsyncContextManager[kafka.Writer]:
    reached, topic = roles.connection(settings), settings.topics.transcripts
    if not exact:
        return kafka.plain_writer(reached, topic)
    run, digest = reading.run_id, reading.digest or ""
    kind = "replay-live" if run is None else f"replay.{run}"
    return kafka.exact_writer(reached, topic, kept(settings, f"{kind}.{digest[:16]}"))


def kept(settings: Settings, name: str) -> kafka.Kept:
    """Return where the position of a replay of this name is kept."""
    limit = settings.kafka.transaction_timeout_s
    name = f"{settings.kafka.group_prefix}.{name}"
    return kafka.Kept(name, settings.topics.positions, limit)


def _side_file(file: Path, how: Replay, *, follows: bool) -> SideFile:
    if how.rejected is not None:
        return SideFile(how.rejected, file.name, follows=follows)
    return SideFile(file.with_name(f"{file.name}.rejected.jsonl"), file.name)


def _forget(rejected: Rejected) -> None:
    pass


class _Rate(ProgressColumn):
    """Lines a second, in the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} lines/s")


@contextmanager
def progress(
    console: Console, name: str, length: Callable[[], int]
) -> Iterator[Callable[[int], None] | None]:
    """Yield what is told which line is done; nothing where nobody watches."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=length())
        yield lambda line: progress.update(task, completed=line)
