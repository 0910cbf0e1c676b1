"""Feeds a file of transcripts into the topic, with a progress bar."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from consumers import kafka
from consumers.errors import Fatal
from consumers.replay import ReplayError, record_of, transcripts
from edgeroute import roles
from edgeroute.settings import Settings

_SHOWN: Final = 10
_KEPT: Final = 1_000
"""Numbers of malformed lines that are remembered; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Fed:
    """How many transcripts were written, how many lines were malformed, and the first of those."""

    sent: int
    malformed: int
    first: tuple[int, ...]

    def left_out(self) -> str:
        """Return a sentence about the malformed lines."""
        lines = ", ".join(map(str, self.first[:_SHOWN])) + (
            ", …" if self.malformed > _SHOWN else ""
        )
        what = "1 malformed line" if self.malformed == 1 else f"{self.malformed:,} malformed lines"
        return f"{what} left out: {lines}"


def feed(
    settings: Settings, file: Path, run_id: str | None, console: Console, *, as_live: bool = False
) -> Fed:
    """Write the file's transcripts; ``as_live`` drops the run ids that the file brings.

    Raises `ReplayError` where the file cannot be read or holds no transcript at all.
    """
    return asyncio.run(_feed(settings, file, run_id, console, as_live))


async def _feed(
    settings: Settings, file: Path, run_id: str | None, console: Console, as_live: bool
) -> Fed:
    reached, topic = roles.connection(settings), settings.topics.transcripts
    await _require(reached, topic)
    size = await asyncio.to_thread(lambda: file.stat().st_size)
    malformed, first = 0, list[int]()
    with _progress(console, file.name, size) as told:

        def records() -> Iterator[tuple[bytes | None, bytes]]:
            nonlocal malformed
            for item in transcripts(file, run_id, told):
                if isinstance(item, int):
                    malformed += 1
                    first.extend([item] if malformed <= _KEPT else [])
                elif as_live and item.run_id is not None:
                    yield record_of(item.model_copy(update={"run_id": None}))
                else:
                    yield record_of(item)

        idempotent = await roles.delivers_exactly_once(settings)
        sent = await kafka.write_all(reached, topic, records(), idempotent=idempotent)
    if malformed and not sent:
        raise ReplayError(
            f"There is no transcript in {file} ({malformed:,} malformed lines): "
            "each line must be a JSON object or CSV row with at least role and text."
        )
    return Fed(sent, malformed, tuple(first))


async def _require(reached: kafka.Connection, topic: str) -> None:
    """A producer would wait for a topic that is not there, and then blame the broker."""
    async with kafka.admin(reached) as admin:
        found = await admin.list_topics()
    if topic not in found:
        raise Fatal(f"There is no topic {topic}: create it with `edgeroute topics create`.")


@contextmanager
def _progress(console: Console, name: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """Yield what is told how far the file has been read; nothing where nobody watches."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=size)
        yield lambda at: progress.update(task, completed=at)
