"""An edge whose model is made slow, to see what piles up in it when 100,000 messages wait."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks import stream
from benchmarks.children import check, running
from benchmarks.stream import Place, Watch, Way
from consumers import kafka
from consumers.roles.edge import EdgeHandler, EdgeWork
from edgeroute import roles, settings
from router.plan import Plan

SETTLED_S: Final = 60.0
"""The session's arenas grow with the first batch of every new shape, and aiokafka fetches ahead."""
_LOOK_S: Final = 0.25


@dataclass(frozen=True)
class Waiting:
    """Resident memory of an edge over time, and whether it stayed in its group.

    ``grown_mb`` is the last fifth's mean less that of the first fifth after settling.
    """

    waiting: int
    committed: int
    seconds: float
    settled_mb: float
    largest_mb: float
    grown_mb: float
    slope_mb_a_minute: float
    joined: int
    same_member: bool
    slept_s: float


def edge(seconds_a_batch: float) -> dict[str, float]:
    """Run an edge whose every micro-batch takes this long, until SIGTERM (`benchmarks.jobs`)."""

    infer = EdgeHandler.infer

    def slowly(handler: EdgeHandler, works: Sequence[EdgeWork]) -> list[Plan]:
        time.sleep(seconds_a_batch)
        return infer(handler, works)

    async def run() -> None:
        stop = asyncio.Event()
        roles.stop_on_signals(stop)
        await roles.run_edge(settings.load(), stop)

    setattr(EdgeHandler, "infer", slowly)  # noqa: B010 - a method is not assigned to elsewhere
    asyncio.run(run())
    return {}


async def memory(
    place: Place, topic: str, waiting: int, *, seconds: float, seconds_a_batch: float = 0.25
) -> Waiting:
    """Let a slow edge work for ``seconds`` on a topic in which ``waiting`` messages wait."""
    way = Way("slow", settings={"kafka__session_timeout_s": 3.0, "limits__stop_s": 1.0})
    name, changes = await stream.variables(place, topic, way)
    log = place.folder / f"{name}-slow.log"
    words = ("benchmarks.jobs", "slow", str(place.folder / f"{name}.json"))
    arguments = f'{{"seconds_a_batch": {seconds_a_batch}}}'
    with running(*words, arguments, log=log, EDGEROUTE_LOG__LEVEL="INFO", **changes) as child:
        watch = Watch(place, f"{name}.edge", topic, [child], [log])
        await watch.until(1)
        before, process = await _members(place, f"{name}.edge"), psutil.Process(child.pid)
        begun, sizes = time.monotonic(), list[tuple[float, float]]()
        while (passed := time.monotonic() - begun) < seconds:
            check(child, log)
            sizes.append((passed, process.memory_info().rss / 1e6))
            await asyncio.sleep(_LOOK_S)
        after = await _members(place, f"{name}.edge")
        committed = (await watch.until(1)).committed
    settled = [size for size in sizes if size[0] >= min(SETTLED_S, seconds / 4)]
    fifth = max(len(settled) // 5, 1)
    return Waiting(
        waiting=waiting,
        committed=committed,
        seconds=seconds,
        settled_mb=_mean(settled[:fifth]),
        largest_mb=max(mb for _, mb in settled),
        grown_mb=_mean(settled[-fifth:]) - _mean(settled[:fifth]),
        slope_mb_a_minute=_slope(settled) * 60,
        joined=log.read_text(errors="replace").count("assigned "),
        same_member=before == after and len(before) == 1,
        slept_s=seconds_a_batch,
    )


async def _members(place: Place, group: str) -> set[str]:
    """Return the member ids of a group: one that lost its heartbeats comes back under another."""
    async with kafka.admin(place.connection) as client:
        answers: Any = await client.describe_consumer_groups([group])
    return {member[0] for answer in answers for g in answer.groups for member in g[5]}


def _mean(sizes: Sequence[tuple[float, float]]) -> float:
    return sum(mb for _, mb in sizes) / len(sizes)


def _slope(sizes: Sequence[tuple[float, float]]) -> float:
    """Return MB a second of the line through all sizes."""
    middle, level = sum(t for t, _ in sizes) / len(sizes), _mean(sizes)
    spread = sum((t - middle) ** 2 for t, _ in sizes)
    with suppress(ZeroDivisionError):
        return sum((t - middle) * (mb - level) for t, mb in sizes) / spread
    return 0.0
