"""Feeds a file of transcripts into the topic, with a progress bar."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from consumers import kafka
from consumers.replay import ReplayError, record_of, transcripts
from edgeroute import roles
from edgeroute.settings import Settings

_SHOWN = 10


def feed(
    settings: Settings, file: Path, run_id: str | None, console: Console
) -> tuple[int, list[int]]:
    """Write the file's transcripts; return how many, and the numbers of the malformed records."""
    if not file.is_file():
        raise ReplayError(f"There is no file {file}: check the path.")
    return asyncio.run(_feed(settings, file, run_id, console))


async def _feed(
    settings: Settings, file: Path, run_id: str | None, console: Console
) -> tuple[int, list[int]]:
    size = await asyncio.to_thread(lambda: file.stat().st_size)
    malformed: list[int] = []
    with _progress(console) as progress:
        task = progress.add_task(file.name, total=size)

        def records() -> Iterator[tuple[bytes | None, bytes]]:
            for item in transcripts(file, run_id, lambda at: progress.update(task, completed=at)):
                if isinstance(item, int):
                    malformed.append(item)
                else:
                    yield record_of(item)

        sent = await kafka.write_all(
            roles.connection(settings),
            settings.topics.transcripts,
            records(),
            idempotent=await roles.delivers_exactly_once(settings),
        )
    return sent, malformed


def first_of(numbers: list[int]) -> str:
    """Return the first few numbers as text."""
    more = ", …" if len(numbers) > _SHOWN else ""
    return ", ".join(map(str, numbers[:_SHOWN])) + more


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=console,
    )
