"""The command line."""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from consumers import kafka
from consumers.embedded import EmbeddedError
from consumers.errors import Moving
from consumers.replay import ReplayError
from consumers.store import Store
from edgeroute import demo as demonstration
from edgeroute import feed, report, roles
from edgeroute.settings import Settings, SettingsError, load, masked
from router.bundle import BundleError, load_bundle
from schemas.codec import RECORDS, json_schema

WRONG_USE: Final = 2
FAILED: Final = 1
INTERRUPTED: Final = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Routes support transcripts on Kafka: a small model here, a large one for the hard ones.",
    epilog="Try it without a broker: [bold]edgeroute demo[/bold]",
)
run_app = typer.Typer(no_args_is_help=True, help="Run one role until SIGTERM or Ctrl-C.")
topics_app = typer.Typer(no_args_is_help=True, help="Make the topics.")
bundle_app = typer.Typer(no_args_is_help=True, help="Look at a model bundle.")
app.add_typer(run_app, name="run")
app.add_typer(topics_app, name="topics")
app.add_typer(bundle_app, name="bundle")

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; else $EDGEROUTE_CONFIG or edgeroute.toml."),
]
RecordName = Enum("RecordName", {name: name for name in RECORDS})  # type: ignore[misc]


@run_app.command("edge")
def run_edge(config: Config = None) -> None:
    """Answer transcripts with the small model; send the hard ones to the cloud topic."""
    _run_role(config, roles.run_edge)


@run_app.command("cloud")
def run_cloud(config: Config = None) -> None:
    """Answer escalations with the full-precision model."""
    _run_role(config, roles.run_cloud)


@run_app.command("monitor")
def run_monitor(config: Config = None) -> None:
    """Add every decision to the totals in Redis."""
    _run_role(config, roles.run_monitor)


@topics_app.command("create")
def topics_create(config: Config = None) -> None:
    """Create the topics that do not exist yet; names and sizes are in the [topics] settings."""
    settings = load(config)
    names = settings.topics
    every = (names.transcripts, *roles.topic_names(settings).values())
    wanted = dict.fromkeys(every, names.partitions)
    reached = roles.connection(settings)
    created = asyncio.run(kafka.create_topics(reached, wanted, names.replication))
    for name, new in created.items():
        typer.echo(f"{name}: {'created' if new else 'was there'}")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="JSONL or CSV, plain or .gz.")],
    run_id: Annotated[
        str | None, typer.Option(help="Keep its totals apart from live traffic, under this name.")
    ] = None,
    config: Config = None,
) -> None:
    """Write a file of transcripts to the transcripts topic, as fast as it goes."""
    settings = load(config)
    sent, malformed = feed.feed(settings, file, run_id, Console(stderr=True))
    typer.echo(f"{sent} transcripts written to {settings.topics.transcripts}")
    if malformed:
        typer.echo(f"{len(malformed)} malformed lines left out: {feed.first_of(malformed)}")


@app.command("report")
def show_report(
    run_id: Annotated[
        str | None, typer.Option(help="A replay's totals; else live traffic's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    config: Config = None,
) -> None:
    """Print what the monitor has counted: routes, reasons, cost, saving, latencies."""
    asyncio.run(_report(load(config), run_id, as_json))


@app.command("schema")
def show_schema(name: Annotated[RecordName, typer.Argument(help="The record type.")]) -> None:
    """Print the JSON Schema of a record type."""
    typer.echo(json.dumps(json_schema(RECORDS[name.value]), indent=2))


@app.command("config")
def show_config(config: Config = None) -> None:
    """Print the effective settings as JSON, secrets masked."""
    typer.echo(json.dumps(masked(load(config)), indent=2))


@bundle_app.command("verify")
def bundle_verify(folder: Annotated[Path, typer.Argument(help="The bundle's folder.")]) -> None:
    """Check every file of a bundle against its manifest and load both models."""
    bundle = load_bundle(folder)
    bundle.tokenizer()
    bundle.edge(threads=1)
    bundle.cloud(threads=1)
    typer.echo(f"{bundle.manifest.bundle_version}: complete and unaltered")


@app.command()
def demo(
    transcripts: Annotated[
        Path | None, typer.Option(help="Route this file instead of the built-in conversations.")
    ] = None,
    config: Config = None,
) -> None:
    """See it work: broker, Redis, edge, cloud worker and monitor on this machine, then a report."""
    demonstration.run(load(config), transcripts, Console())


def main() -> None:
    """Run the program; a user's mistake is one sentence and a non-zero exit code."""
    try:
        app(standalone_mode=True)
    except (SettingsError, BundleError) as error:
        _fail(error, WRONG_USE)
    except (Moving, ReplayError, EmbeddedError, demonstration.DemoError) as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _fail(error: Exception, code: int) -> None:
    print(f"edgeroute: {error}", file=sys.stderr)  # noqa: T201 - the one place that speaks of errors
    raise SystemExit(code)


def _run_role(
    config: Path | None, role: Callable[[Settings, asyncio.Event], Awaitable[None]]
) -> None:
    settings = load(config)
    _log(settings.log.level)

    async def running() -> bool:
        stop = asyncio.Event()
        came = roles.stop_on_signals(stop)
        await role(settings, stop)
        return signal.SIGINT in came

    if asyncio.run(running()):
        raise KeyboardInterrupt


def _log(level: str) -> None:
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # aiokafka logs every rebalance at INFO and harmless start-up retries at WARNING; while a broker
    # is away it says so ten times a second.
    logging.getLogger("aiokafka").setLevel(max(logging.ERROR, logging.getLevelName(level)))
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Seldom(time.monotonic))


class _Seldom(logging.Filter):
    """Lets a line of a library pass once in so many seconds."""

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
        return True


async def _report(settings: Settings, run_id: str | None, as_json: bool) -> None:
    async with Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store:
        totals, runs = await store.totals(run_id), await store.runs()
    figures = report.figures(totals, roles.prices(settings), run_id=run_id, runs=runs)
    if as_json:
        typer.echo(figures.model_dump_json(indent=2))
    else:
        report.render(figures, Console())
