"""The whole stream on this machine: servers in a box, one process a role, and the report."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consumers import kafka
from consumers.aggregate import Totals
from consumers.embedded import embedded_broker, embedded_redis, end_with_parent
from consumers.replay import record_of
from consumers.store import Store
from edgeroute import feed, report, roles, sample
from edgeroute.settings import CONFIG_VARIABLE, Settings, SettingsError, child_environment
from router.bundle import load_bundle

ROLES: Final = ("edge", "cloud", "monitor")
TURNS: Final = 2_000
STALLED_S: Final = 60.0
_LOOK_S: Final = 0.25


class DemoError(Exception):
    """The demo could not go on; one sentence."""


def run(settings: Settings, transcripts: Path | None, console: Console) -> None:
    """Run it from start to report; nothing is left running, also after Ctrl-C."""
    if not settings.bundle.is_absolute() and not settings.bundle.exists():
        raise SettingsError(
            f"There is no bundle {settings.bundle} here: run this in the repository, "
            "or set EDGEROUTE_BUNDLE to a bundle's folder."
        )
    load_bundle(settings.bundle)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeroute-demo-")))
        servers = stack.enter_context(embedded_broker())
        url = stack.enter_context(embedded_redis())
        console.print("started an embedded broker and Redis: [b]at least once[/b] delivery")
        own = folder / "settings.toml"
        own.touch()
        changes = {
            CONFIG_VARIABLE: str(own),  # not the settings of the folder we happen to be in
            "EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS": servers,
            "EDGEROUTE_KAFKA__DELIVERY": "at-least-once",
            "EDGEROUTE_REDIS__URL": url,
            "EDGEROUTE_BUNDLE": str(settings.bundle.resolve()),
            # The roles share this machine: one engine each leaves room for the others.
            "EDGEROUTE_LIMITS__ENGINES": "1",
        }
        ours = settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(
                    update={"bootstrap_servers": servers, "delivery": "at-least-once"}
                ),
                "redis": settings.redis.model_copy(update={"url": type(settings.redis.url)(url)}),
            }
        )
        asyncio.run(_create_topics(ours))
        children = [stack.enter_context(_role(role, changes, folder)) for role in ROLES]
        console.print(f"started {', '.join(ROLES)}: one process each")
        sent = _feed(ours, transcripts, console)
        totals = asyncio.run(_route(ours, sent, children, folder, console))
        report.render(report.figures(totals, roles.prices(ours)), console)


async def _create_topics(settings: Settings) -> None:
    names = (settings.topics.transcripts, *roles.topic_names(settings).values())
    wanted = dict.fromkeys(names, settings.topics.partitions)
    await kafka.create_topics(roles.connection(settings), wanted, 1)


@contextmanager
def _role(role: str, changes: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / f"{role}.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "edgeroute", "run", role],
            env=child_environment(changes),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def _route(
    settings: Settings,
    sent: int,
    children: Sequence["subprocess.Popen[bytes]"],
    folder: Path,
    console: Console,
) -> Totals:
    async with Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        ) as progress:
            return await _watch(store, sent, children, folder, progress)


def _feed(settings: Settings, transcripts: Path | None, console: Console) -> int:
    if transcripts is not None:
        sent, malformed = feed.feed(settings, transcripts, None, console)
        if malformed:
            console.print(f"{len(malformed)} malformed lines left out: {feed.first_of(malformed)}")
        return sent
    turns = map(record_of, sample.conversations(TURNS))
    to, topic = roles.connection(settings), settings.topics.transcripts
    return asyncio.run(kafka.write_all(to, topic, turns, idempotent=False))


async def _watch(
    store: Store,
    sent: int,
    children: Sequence["subprocess.Popen[bytes]"],
    folder: Path,
    progress: Progress,
) -> Totals:
    """Wait until every turn is routed and every escalation answered."""
    routed_bar = progress.add_task("routed", total=sent)
    answered_bar = progress.add_task("answered by the cloud", total=None)
    seen, quiet = -1, 0.0
    while True:
        totals = await store.totals(None)
        routed = sum(n for name, n in totals.counts.items() if name.startswith("route/"))
        escalated, answered = totals.counts.get("route/cloud", 0), totals.counts.get("answered", 0)
        progress.update(routed_bar, completed=min(routed, sent))
        progress.update(answered_bar, completed=answered, total=escalated or None)
        if routed >= sent and answered >= escalated:
            return totals
        quiet = 0.0 if routed + answered != seen else quiet + _LOOK_S
        seen = routed + answered
        for role, child in zip(ROLES, children, strict=True):
            if child.poll() is not None:
                raise DemoError(f"The {role} role ended: {_last_words(folder / f'{role}.log')}")
        if quiet > STALLED_S:
            raise DemoError(
                f"Nothing has moved for {STALLED_S:.0f} s: {sent - routed} turns are not routed; "
                "run it again, and report it if it happens again."
            )
        await asyncio.sleep(_LOOK_S)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
