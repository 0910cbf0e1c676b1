"""A progress bar for work that may be over before anyone would look at one."""

import time
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from rich.progress import Progress

DELAY_S: Final = 2.0

Item = TypeVar("Item")


def bar(items: Sequence[Item], title: str, *, quiet: bool) -> Iterator[Item]:
    """Yield the items; once that has taken two seconds, show how many are left."""
    progress = Progress(disable=quiet)
    task = progress.add_task(title, total=len(items))
    began = time.monotonic()
    try:
        for item in items:
            yield item
            progress.advance(task)
            if not progress.live.is_started and time.monotonic() - began > DELAY_S:
                progress.start()
    finally:
        if progress.live.is_started:
            progress.stop()
