"""The commands that reach Kafka or Redis. Imported only by the commands that need it."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

from rich.console import Console

from consumers import kafka
from edgeroute import roles
from edgeroute.report import page, tables
from edgeroute.settings import Settings
from router.bundle import BundleError, load_manifest
from schemas.bundle import Manifest

Role = Literal["edge", "cloud", "monitor"]
ROLES: Final[dict[Role, Callable[[Settings, asyncio.Event], Awaitable[None]]]] = {
    "edge": roles.run_edge,
    "cloud": roles.run_cloud,
    "monitor": roles.run_monitor,
}


def run_role(settings: Settings, role: Role) -> None:
    """Run a role until SIGTERM; raise KeyboardInterrupt where it was Ctrl-C that ended it."""
    log_to_stderr(settings.log.level)

    async def running() -> bool:
        stop = asyncio.Event()
        came = roles.stop_on_signals(stop)
        await ROLES[role](settings, stop)
        return signal.SIGINT in came

    if asyncio.run(running()):
        raise KeyboardInterrupt


def create_topics(settings: Settings, replication: int | None = None) -> dict[str, bool]:
    """Create the missing topics; return for each whether it was created here."""
    names = (settings.topics.transcripts, *roles.topic_names(settings).values())
    wanted = dict.fromkeys(names, settings.topics.partitions)
    reached = roles.connection(settings)
    with_copies = replication or settings.topics.replication
    positions = settings.topics.positions
    return asyncio.run(kafka.create_topics(reached, wanted, with_copies, positions))


def show_report(
    settings: Settings, run_id: str | None, as_json: bool, html: Path | None = None
) -> None:
    """Print what the monitor has counted; write it to the file ``html`` too, as a page."""
    figures = asyncio.run(_figures(settings, run_id))
    if html is not None:
        html.write_text(page.page(figures), encoding="utf-8")
        sys.stderr.write(f"The page is in {html}: open it in a browser.\n")
    if as_json:
        sys.stdout.write(figures.model_dump_json(indent=2) + "\n")
    else:
        tables.render(figures, Console())


async def _figures(settings: Settings, run_id: str | None) -> tables.ReportFigures:
    from consumers.totals.store import Store  # noqa: PLC0415 - only a report and a monitor need it

    async with Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store:
        totals, runs = await store.totals(run_id), await store.runs()
    manifest = _manifest(settings.bundle)
    return tables.figures(totals, roles.prices(settings), run_id=run_id, runs=runs, bundle=manifest)


def _manifest(folder: Path) -> Manifest | str:
    """Return the bundle's manifest, or why there is none: the run's figures stand without it."""
    try:
        return load_manifest(folder)
    except BundleError as error:
        return str(error)


def log_to_stderr(level: str) -> None:
    """Log ours from ``level``, and of the Kafka library errors only, each place at times."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # aiokafka logs every rebalance at INFO and harmless start-up retries at WARNING; while a broker
    # is away it says so ten times a second.
    logging.getLogger("aiokafka").setLevel(max(logging.ERROR, logging.getLevelName(level)))
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Seldom(time.monotonic))


def silence_libraries() -> None:
    """For commands that say themselves what went wrong: the Kafka library would say it again."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class _Seldom(logging.Filter):
    """Lets a line of a library pass once every few seconds, and without its traceback.

    The Kafka library logs one when a broker goes away in the middle of a request, which a lane
    survives; the name of the error says as much.
    """

    def __init__(self, tick: Callable[[], float], every_s: float = 10.0) -> None:
        super().__init__()
        self._tick = tick
        self._every_s = every_s
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        place, now = (record.name, record.lineno), self._tick()
        if now - self._last.get(place, -self._every_s) < self._every_s:
            return False
        self._last[place] = now
        if record.exc_info and record.exc_info[0] is not None:
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args = record.exc_info = record.exc_text = None
        return True
