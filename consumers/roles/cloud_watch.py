"""Watches the cloud beside the loop, so that the edge knows whether it takes work."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from consumers.errors import Fatal, LaneLost
from router.availability import AwayRules, Observation, Standing, judged

log = logging.getLogger(__name__)
_LAST_LOOK_S: Final = 3.0
"""What a look that has begun is given when the watch ends."""


class Progress(Protocol):
    """What the cloud can be seen by."""

    async def look(self) -> Observation:
        """Return what is seen, or raise `LaneLost` or `Fatal`."""
        ...

    async def close(self) -> None:
        """Let go; a later look starts anew."""
        ...


class CloudWatch:
    """Looks again and again, and holds what is concluded. Available until seen otherwise."""

    def __init__(
        self,
        progress: Progress,
        rules: AwayRules,
        monotonic: Callable[[], float],
        every_s: float = 1.0,
    ) -> None:
        self._progress = progress
        self._rules = rules
        self._monotonic = monotonic
        self._every_s = every_s
        self._standing = Standing()
        self._blind = False

    def available(self) -> bool:
        """Return whether the cloud takes work. May be called from any thread."""
        return self._standing.available

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop``. No trouble of the broker's ends this: the last conclusion holds."""
        try:
            while not stop.is_set():
                seen = await self._observe()
                before = self._standing
                self._standing = judged(before, self._rules, seen, self._monotonic())
                if self._standing.available != before.available and seen is not None:
                    _tell(seen, available=self._standing.available)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every_s):
                        await stop.wait()
        finally:
            await self._progress.close()

    async def _observe(self) -> Observation | None:
        try:
            seen = await self._progress.look()
        except (LaneLost, Fatal) as error:
            if not self._blind:
                log.warning("the cloud cannot be seen, what was known of it holds: %s", error)
            self._blind = True
            await self._progress.close()
            return None
        self._blind = False
        return seen


@asynccontextmanager
async def watching(watch: CloudWatch, after: asyncio.Event) -> AsyncIterator[None]:
    """Keep a watch for as long as this is open, from an event on.

    Before the role has found its broker and its topics, the watch would only repeat what is wrong.
    """
    stop = asyncio.Event()
    task = asyncio.create_task(_run(watch, after, stop))
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        stop.set()
        if after.is_set():  # a look that is cut off while it connects leaves its connection open
            await asyncio.wait([task], timeout=_LAST_LOOK_S)
        task.cancel()
        await asyncio.wait([task])


async def _run(watch: CloudWatch, after: asyncio.Event, stop: asyncio.Event) -> None:
    await after.wait()
    await watch.run(stop)


def _ended(task: "asyncio.Task[None]") -> None:
    """Say at once that nobody watches any more; messages are routed all the same."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error(
            "the watch of the cloud has failed (%s), what was known of it holds: "
            "start this again when it suits you",
            type(error).__name__,
        )


def _tell(seen: Observation, *, available: bool) -> None:
    waits = "nothing waits" if seen.oldest_s is None else f"the oldest waits {seen.oldest_s:.1f} s"
    what = "is back: escalating again" if available else "is away: the edge answers"
    log.warning("the cloud %s (%d workers, %s)", what, seen.workers, waits)
