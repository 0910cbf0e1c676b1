"""The whole stream on this machine: servers in a box, one process a role, and the report."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consumers import kafka
from consumers.aggregate import Totals
from consumers.embedded import embedded_broker, embedded_redis, end_with_parent
from consumers.errors import Fatal
from consumers.replay import record_of
from consumers.store import Store
from edgeroute import feed, report, roles, sample, service
from edgeroute.settings import (
    CONFIG_VARIABLE,
    PREFIX,
    Settings,
    SettingsError,
    as_variables,
    child_environment,
)
from router.bundle import load_bundle

ROLES: Final = ("edge", "cloud", "monitor")
TURNS: Final = 2_000
STALLED_S: Final = 60.0
STOP_S: Final = 10.0
_LOOK_S: Final = 0.25

Children = Mapping[str, "subprocess.Popen[bytes]"]


class Told(Protocol):
    """Is told how many turns are routed, how many were escalated and how many of those answered."""

    def __call__(self, routed: int, escalated: int, answered: int) -> None: ...


def run(settings: Settings, transcripts: Path | None, console: Console) -> None:
    """Run it from start to report; nothing is left running, also after Ctrl-C."""
    begun = time.monotonic()
    service.silence_libraries()
    _check_bundle(settings)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeroute-demo-")))
        with _held():
            servers = stack.enter_context(embedded_broker())
            url = stack.enter_context(embedded_redis())
        console.print(
            "Started a broker and a Redis in a box. Delivery here is [b]at least once[/b], because "
            "the broker in the box has no transactions; on Kafka it is exactly once."
        )
        ours = _pointed_at(settings, servers, url)
        service.create_topics(ours, replication=1)
        with _held():
            children = stack.enter_context(_roles(_environment(ours, folder), folder))
        console.print(f"Started {', '.join(ROLES)}: a process each.")
        sent = _feed(ours, transcripts, console)
        console.print(f"Fed {sent:,} turns; the roles load their models, then route them.")
        totals = asyncio.run(_route(ours, sent, _Watched(children, folder), console))
        report.render(report.figures(totals, roles.prices(ours)), console)
    console.print(f"\nStopped everything; {time.monotonic() - begun:.1f} s in all.")


@contextmanager
def _held() -> Iterator[None]:
    """Let Ctrl-C wait while processes start: cut off in between, nobody would know of one."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _check_bundle(settings: Settings) -> None:
    if not settings.bundle.is_absolute() and not settings.bundle.exists():
        raise SettingsError(
            f"There is no bundle {settings.bundle} here: run this in the repository, "
            f"or set {PREFIX}BUNDLE to a bundle's folder."
        )
    load_bundle(settings.bundle)


def _pointed_at(settings: Settings, servers: str, url: str) -> Settings:
    """Return the settings for the servers in the box; policy, prices and limits stay the user's."""
    kafka_ours = type(settings.kafka)(bootstrap_servers=servers, delivery="at-least-once")
    redis_ours = type(settings.redis)(url=type(settings.redis.url)(url))
    # The roles share this machine: one engine each leaves room for the others.
    limits = settings.limits.model_copy(update={"engines": settings.limits.engines or 1})
    bundle = settings.bundle.resolve()
    changes = {"kafka": kafka_ours, "redis": redis_ours, "limits": limits, "bundle": bundle}
    return settings.model_copy(update=changes)


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Return what gives the roles these settings, and not those of the folder we are in."""
    empty = folder / "settings.toml"
    empty.touch()
    return child_environment({CONFIG_VARIABLE: str(empty), **as_variables(settings)})


@contextmanager
def _roles(environment: Mapping[str, str], folder: Path) -> Iterator[Children]:
    """Run the roles; end them side by side, so that the slowest alone decides how long it takes."""
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for role in ROLES:
            with (folder / f"{role}.log").open("wb") as log:
                children[role] = subprocess.Popen(
                    [sys.executable, "-m", "edgeroute", "run", role],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, see there
                )
        yield children
        for child in children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_S
        for child in children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0.0))
    finally:
        # After Ctrl-C or a failure nobody waits for them to drain: nothing of the demo is kept.
        for child in children.values():
            child.kill()
            child.wait()


def _feed(settings: Settings, transcripts: Path | None, console: Console) -> int:
    if transcripts is not None:
        fed = feed.feed(settings, transcripts, None, console, as_live=True)
        if fed.malformed:
            console.print(fed.left_out())
        return fed.sent
    turns = map(record_of, sample.conversations(TURNS))
    to, topic = roles.connection(settings), settings.topics.transcripts
    return asyncio.run(kafka.write_all(to, topic, turns, idempotent=False))


async def _route(settings: Settings, sent: int, watched: "_Watched", console: Console) -> Totals:
    async with Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store:
        with _progress(sent, console) as told:
            return await _watch(store, sent, watched, told)


@contextmanager
def _progress(sent: int, console: Console) -> Iterator[Told]:
    """Yield what is told how far it is; bars on a terminal, nothing in a pipe."""
    if not console.is_terminal:
        yield lambda routed, escalated, answered: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        routing = progress.add_task("routed", total=sent)
        answering = progress.add_task("answered by the cloud", total=None)

        def told(routed: int, escalated: int, answered: int) -> None:
            progress.update(routing, completed=min(routed, sent))
            progress.update(answering, completed=answered, total=escalated or None)

        yield told


async def _watch(store: Store, sent: int, watched: "_Watched", told: Told) -> Totals:
    """Wait until every turn is routed and every escalation answered."""
    seen, moved = -1, time.monotonic()
    while True:
        totals = await store.totals(None)
        routed = sum(totals.group("route").values())
        escalated, answered = totals.count("route/cloud"), totals.count("answered")
        told(routed, escalated, answered)
        if routed >= sent and answered >= escalated:
            return totals
        if routed + answered != seen:
            seen, moved = routed + answered, time.monotonic()
        watched.check()
        if time.monotonic() - moved > STALLED_S:
            raise Fatal(
                f"Nothing has moved for {STALLED_S:.0f} s: {sent - routed:,} turns are not routed; "
                "run it again, and report it if it happens again."
            )
        await asyncio.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class _Watched:
    """The roles' processes, and the folder of their logs."""

    children: Children
    folder: Path

    def check(self) -> None:
        """Raise `Fatal` where a role has ended by itself."""
        for role, child in self.children.items():
            if child.poll() is not None:
                log = (self.folder / f"{role}.log").read_text(errors="replace")
                last = (log.strip().splitlines() or ["it said nothing"])[-1]
                raise Fatal(f"The {role} role ended: {last.removeprefix('edgeroute: ')}")
