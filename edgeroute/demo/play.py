"""The whole stream on this machine, to be watched: servers in a box, one process a role, a tables.

With the built-in conversations the cloud worker is killed for some seconds, so that one sees what
that does and what it does not.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from consumers import kafka
from consumers.embedded import embedded_broker, embedded_redis
from consumers.errors import Fatal
from consumers.replay.transcripts import record_of
from consumers.totals.aggregate import Totals
from consumers.totals.store import Store
from edgeroute import roles, sample, service
from edgeroute.demo.board import Moment, Process, Standing, picture
from edgeroute.demo.observer import Onlooker
from edgeroute.demo.processes import Processes, held
from edgeroute.replay import of_files
from edgeroute.report import tables
from edgeroute.settings import (
    CONFIG_VARIABLE,
    PREFIX,
    Cloud,
    Settings,
    SettingsError,
    as_variables,
    child_environment,
)
from router.bundle import load_bundle
from schemas.bundle import Manifest

ROLES: Final = ("edge", "cloud", "monitor")
TURNS: Final = 2_000
RATE: Final = 160.0
"""Turns a second: slow enough to watch."""
FIRST: Final = 20
MALFORMED_EVERY: Final = 400
KILL_AT: Final = 0.3
"""What share of the turns is routed when the cloud worker is killed."""
GONE_S: Final = 6.0
OLDEST_S: Final = 2.0
"""An escalation that has waited for longer tells the edge that the cloud is away: soon enough that
one sees it. The box names members that are dead, so it cannot be told by those."""
SETTLE_S: Final = 1.0
SESSION_S: Final = 4.0
STALLED_S: Final = 60.0
_LOOK_S: Final = 0.25
_RATE_OVER: Final = 4
"""Looks that a rate is the mean of."""
_RATES: Final = 30
_SMALLEST: Final = (60, 16)

Draw = Callable[[Moment], None]
Records = Iterator[tuple[bytes | None, bytes]]


def run(settings: Settings, transcripts: Path | None, console: Console) -> None:
    """Run it from start to report; nothing is left running, also after Ctrl-C."""
    begun = time.monotonic()
    service.silence_libraries()
    manifest = _check_bundle(settings)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeroute-demo-")))
        with held():
            servers = stack.enter_context(embedded_broker())
            url = stack.enter_context(embedded_redis())
        console.print(
            "Started a broker and a Redis in a box. Delivery here is [b]at least once[/b], because "
            "the broker in the box has no transactions; on Kafka it is exactly once."
        )
        ours = _pointed_at(settings, servers, url)
        if transcripts is None:
            ours = ours.model_copy(update={"cloud": _watched_closely(ours)})
        service.create_topics(ours, replication=1)
        processes = stack.enter_context(Processes(_environment(ours, folder), folder))
        processes.start(ROLES)
        console.print(f"Started {', '.join(ROLES)}: a process each.")
        play = _Play(ours, processes, manifest, console)
        totals = asyncio.run(play.file(transcripts) if transcripts else play.conversations())
        figures = tables.figures(totals, roles.prices(ours), bundle=manifest)
        tables.render(figures, console)
    console.print(f"\nStopped everything; {time.monotonic() - begun:.1f} s in all.")


def _check_bundle(settings: Settings) -> Manifest:
    if not settings.bundle.is_absolute() and not settings.bundle.exists():
        raise SettingsError(
            f"There is no bundle {settings.bundle} here: run this in the repository, "
            f"or set {PREFIX}BUNDLE to a bundle's folder."
        )
    return load_bundle(settings.bundle).manifest


def _pointed_at(settings: Settings, servers: str, url: str) -> Settings:
    """Return the settings for the servers in the box; policy, prices and limits stay the user's."""
    # A killed worker's partitions are given to nobody until its session has run out.
    kafka_ours = type(settings.kafka)(
        bootstrap_servers=servers, delivery="at-least-once", session_timeout_s=SESSION_S
    )
    redis_ours = type(settings.redis)(url=type(settings.redis.url)(url))
    # The roles share this machine: one engine each leaves room for the others.
    limits = settings.limits.model_copy(update={"engines": settings.limits.engines or 1})
    bundle = settings.bundle.resolve()
    changes = {"kafka": kafka_ours, "redis": redis_ours, "limits": limits, "bundle": bundle}
    return settings.model_copy(update=changes)


def _watched_closely(settings: Settings) -> Cloud:
    return settings.cloud.model_copy(update={"oldest_s": OLDEST_S, "settle_s": SETTLE_S})


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Return what gives the roles these settings, and not those of the folder we are in."""
    empty = folder / "settings.toml"
    empty.touch()
    return child_environment({CONFIG_VARIABLE: str(empty), **as_variables(settings)})


def _records() -> Records:
    """The conversations, and now and then something that is no transcript."""
    for number, turn in enumerate(sample.conversations(TURNS), start=1):
        yield record_of(turn)
        if number % MALFORMED_EVERY == 0:
            yield None, b'{"role": "customer"}'


class _Play:
    """What happens between the start of the roles and the tables, and how it is shown."""

    def __init__(
        self, settings: Settings, processes: Processes, manifest: Manifest, console: Console
    ) -> None:
        self._settings = settings
        self._processes = processes
        self._manifest = manifest
        self._console = console
        self._begun = time.monotonic()
        self._onlooker = Onlooker()
        self._fed = 0
        self._to_feed = 0
        self._counts: list[tuple[float, int]] = []
        self._cloud: Standing = "starting"
        self._answers_before = 0
        self._headline = "The roles load their models"

    async def file(self, transcripts: Path) -> Totals:
        """Feed a file as fast as it goes, and look on until all of it is answered."""
        fed = await asyncio.to_thread(
            of_files.feed, self._settings, transcripts, None, self._console, as_live=True
        )
        if fed.malformed:
            self._say(fed.left_out())
        self._fed = self._to_feed = fed.sent
        self._say(f"Fed {fed.sent:,} turns; the roles load their models, then route them.")
        return await self._watch([])

    async def conversations(self) -> Totals:
        """Feed the built-in conversations at a steady rate, and kill the cloud worker meanwhile."""
        self._to_feed = TURNS + TURNS // MALFORMED_EVERY
        self._say(f"Feeding {self._to_feed:,} records, {RATE:.0f} a second.")
        return await self._watch([self._feed(), self._fault()])

    async def _feed(self) -> None:
        """Feed a few and wait for them, so that no backlog grows while the edge loads its model."""
        records = _records()
        await self._write(islice(records, FIRST))
        await _until(lambda: self._onlooker.routed >= FIRST)
        await self._write(records)

    async def _write(self, records: Records) -> None:
        to, topic = roles.connection(self._settings), self._settings.topics.transcripts
        before = self._fed

        def count(written: int) -> None:
            self._fed = before + written

        await kafka.write_at(to, topic, records, a_second=RATE, told=count)

    async def _fault(self) -> None:
        """Kill the cloud worker once it has answered something, and bring it back."""
        onlooker = self._onlooker
        await _until(lambda: onlooker.routed >= KILL_AT * self._to_feed and self._cloud_is_up())
        self._processes.kill("cloud")
        self._cloud = "gone"
        self._headline = (
            "The cloud worker is killed: hard turns wait, then the edge answers by itself"
        )
        self._say(f"Killed the cloud worker; {onlooker.routed:,} records are routed.")
        await asyncio.sleep(GONE_S)
        self._answers_before = onlooker.answers
        self._processes.start(["cloud"])
        self._cloud = "starting"
        self._headline = "The cloud worker is started again"
        self._say(
            f"Started the cloud worker again after {GONE_S:.0f} s; meanwhile the edge went on "
            f"({onlooker.routed:,} records are routed, {onlooker.waiting:,} escalations wait)."
        )
        await _until(self._cloud_is_back)
        self._say("The cloud worker is back and answers what waited.")

    def _cloud_is_up(self) -> bool:
        """Whether it has answered, or has nothing to answer: a policy may keep all at the edge."""
        return bool(self._onlooker.answers) or not self._onlooker.waiting

    def _cloud_is_back(self) -> bool:
        onlooker = self._onlooker
        nothing_to_do = onlooker.routed >= self._to_feed and not onlooker.waiting
        return onlooker.answers > self._answers_before or nothing_to_do

    async def _watch(self, acts: list[Coroutine[Any, Any, None]]) -> Totals:
        """Show what happens until everything is fed, routed and answered; end the acts with it."""
        redis = self._settings.redis
        acting = [asyncio.create_task(act) for act in acts]
        following = asyncio.create_task(self._follow())
        try:
            async with Store(redis.url.get_secret_value(), redis.prefix) as store:
                with self._shown() as draw:
                    return await self._until_answered(store, acting, following, draw)
        finally:
            tasks = [*acting, following]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        topics = self._settings.topics
        to = roles.connection(self._settings)
        await kafka.follow(to, topics.decisions, topics.partitions, self._onlooker.see)

    async def _until_answered(
        self,
        store: Store,
        acting: list["asyncio.Task[None]"],
        following: "asyncio.Task[None]",
        draw: Draw,
    ) -> Totals:
        seen, moved = -1, time.monotonic()
        while True:
            totals = await store.totals(None)
            routed, answered = sum(totals.group("route").values()), totals.count("answered")
            now = time.monotonic()
            self._counts.append((now, routed))
            draw(self._moment(totals))
            self._raise_failures([*acting, following])
            if all(act.done() for act in acting) and self._all_answered(routed, answered):
                return totals
            if routed + answered != seen:
                seen, moved = routed + answered, now
            if now - moved > STALLED_S:
                raise Fatal(
                    f"Nothing has moved for {STALLED_S:.0f} s: {self._to_feed - routed:,} turns "
                    "are not routed; run it again, and report it if it happens again."
                )
            await asyncio.sleep(_LOOK_S)

    def _all_answered(self, routed: int, answered: int) -> bool:
        """Whether all is routed and answered, and the monitor has counted what the topic holds."""
        onlooker = self._onlooker
        return (
            min(routed, onlooker.routed) >= self._to_feed
            and not onlooker.waiting
            and answered >= onlooker.answers
        )

    def _raise_failures(self, tasks: list["asyncio.Task[None]"]) -> None:
        self._processes.check()
        for task in tasks:
            if task.done():
                task.result()

    def _moment(self, totals: Totals) -> Moment:
        onlooker = self._onlooker
        if onlooker.answers > self._answers_before and self._cloud == "starting":
            self._cloud = "working"
        return Moment(
            seconds=time.monotonic() - self._begun,
            fed=self._fed,
            to_feed=self._to_feed,
            rates=self._rates(),
            waiting=onlooker.waiting,
            figures=tables.figures(totals, roles.prices(self._settings), bundle=self._manifest),
            processes=self._standings(totals),
            latest=onlooker.latest,
            headline=self._headline_now(),
            alarm=self._cloud == "gone",
        )

    def _headline_now(self) -> str:
        if self._cloud != "working":
            return self._headline
        if self._fed < self._to_feed:
            return "Easy turns are answered at the edge, hard ones by the cloud"
        return "All is fed; the last answers are on their way"

    def _standings(self, totals: Totals) -> tuple[Process, ...]:
        doing: dict[Standing, str] = {
            "starting": "loads its model" + (" again" if self._answers_before else ""),
            "working": "answers the hard turns (FP32)",
            "gone": "killed; comes back in a moment",
        }
        edge: Standing = "working" if self._onlooker.routed else "starting"
        at_edge = "answers the easy turns (INT8)" if edge == "working" else "loads its model"
        monitor: Standing = "working" if totals.counts else "starting"
        return (
            Process("edge", edge, at_edge),
            Process("cloud", self._cloud, doing[self._cloud]),
            Process("monitor", monitor, "counts the decisions in Redis"),
        )

    def _rates(self) -> tuple[float, ...]:
        """Turns routed a second, look by look, each the mean over the looks just before."""
        rates = []
        for at in range(_RATE_OVER, len(self._counts)):
            (then, before), (now, after) = self._counts[at - _RATE_OVER], self._counts[at]
            rates.append((after - before) / (now - then))
        return tuple(rates[-_RATES:])

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False)

    @contextmanager
    def _shown(self) -> Iterator[Draw]:
        """Yield what draws a moment: a live picture on a terminal, nothing in a pipe."""
        if not self._console.is_terminal or not _fits(self._console):
            yield lambda moment: None
            return
        live: AbstractContextManager[Live] = Live(
            console=self._console, auto_refresh=False, transient=True
        )
        with live as shown:

            def draw(moment: Moment) -> None:
                size = self._console.size
                shown.update(picture(moment, size.width, size.height), refresh=True)

            yield draw


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(_LOOK_S)


def _fits(console: Console) -> bool:
    width, height = _SMALLEST
    return console.width >= width and console.height >= height
