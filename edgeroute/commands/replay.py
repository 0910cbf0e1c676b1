"""`edgeroute replay`: files of transcripts, or what a topic holds, onto the topic."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import WRONG_USE, Config, examples, fail, needs_file

if TYPE_CHECKING:
    from edgeroute.replay.of_files import Fed, Replay
    from edgeroute.settings import Settings

EPILOG: Final = examples(
    "edgeroute replay turns.jsonl.gz                a run of its own; call it again to go on",
    "edgeroute replay march.csv --run-id march      under a name of yours",
    "edgeroute report --run-id march",
    "edgeroute replay calls.csv --column text=body --column timestamp=started --speed 60",
    "edgeroute replay turns.jsonl --live --rate 50  as live traffic, 50 a second",
    "edgeroute replay --from-topic transcripts --since 2026-03-01  what a topic holds",
)
_LONGEST: Final = 256
"""Characters of a run id."""


def replay(  # noqa: PLR0913, PLR0917 - one option each
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="JSONL, JSON, CSV, TSV (plain or .gz) or Parquet.", show_default=False),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(help="Its totals stand under this name; else one made from the files."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="As live traffic, with no run id.")] = False,
    escalate: Annotated[
        bool,
        typer.Option(
            "--escalate", help="Send hard messages to the cloud; else that is only priced."
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="From the first line, whatever was done before.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Lines a second.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="In the file's own time, this many times as fast.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=NAME: where a field is (text=body). Repeatable."),
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(help="Keeps malformed lines; else FILE.rejected.jsonl does."),
    ] = None,
    from_topic: Annotated[
        str | None, typer.Option(help="Instead of files: what this topic holds.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="From this moment (ISO 8601) on; else from its start.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to this moment; else up to now.")] = None,
    config: Config = None,
) -> None:
    """Write files of transcripts to the transcripts topic: a replay, with totals of its own.

    Every record needs role and text; conversation_id, turn, timestamp (or
    ts), language and metadata are used where they are there. On a broker with
    transactions it can be cut off at any moment: called again it goes on, and
    no line is missing or there twice. Malformed lines are counted and kept.
    """
    from rich.console import Console

    from edgeroute import service
    from edgeroute.replay import of_files, of_topic
    from edgeroute.settings import load

    settings = load(config)
    _check_run(run_id, live, escalate)
    _check_pace(rate, speed)
    how = of_files.Replay(
        run_id=run_id,
        live=live,
        escalate=escalate,
        again=again,
        rate=rate,
        speed=speed,
        columns=_columns(column or []),
        rejected=rejected,
    )
    service.silence_libraries()
    if from_topic is None:
        if since or until:
            fail("--since and --until go with --from-topic: leave them out.", WRONG_USE)
        _replay_files(settings, _checked(files, rejected), how)
        return
    if files or live or speed is not None or column or rejected is not None:
        fail(
            "--from-topic goes without files, --live, --speed, --column and --rejected: "
            "leave those out.",
            WRONG_USE,
        )
    span = of_topic.Span(from_topic, _moment("--since", since), _moment("--until", until))
    _tell_topic(
        span.topic, of_topic.replay_topic(settings, span, how, Console(stderr=True)), settings
    )


def _replay_files(settings: "Settings", files: list[Path], how: "Replay") -> None:
    from rich.console import Console

    from edgeroute.replay import of_files

    fed = of_files.replay(settings, files, how, Console(stderr=True))
    for file, one in zip(files, fed, strict=True):
        _tell(file, one, settings)
    if not fed[0].exact:
        typer.echo(
            "This broker has no transactions: called again, a replay starts over from line 1.",
            err=True,
        )


def _checked(files: list[Path] | None, rejected: Path | None) -> list[Path]:
    if not files:
        fail("Name a file to replay, or a topic with --from-topic.", WRONG_USE)
    for file in files:
        needs_file(file)
        if rejected is not None and rejected.exists() and rejected.samefile(file):
            fail(
                f"--rejected {rejected} would overwrite what is replayed: name another.", WRONG_USE
            )
    return files


def _check_run(run_id: str | None, live: bool, escalate: bool) -> None:
    if live and (run_id is not None or escalate):
        other = "--escalate" if run_id is None else "--run-id"
        fail(f"--live has no run, and escalates as it must: leave out {other} or it.", WRONG_USE)
    if run_id is not None and not 0 < len(run_id) <= _LONGEST:
        fail(f"The run id must have 1 to {_LONGEST} characters: give it another.", WRONG_USE)


def _check_pace(rate: float | None, speed: float | None) -> None:
    if rate is not None and speed is not None:
        fail("Choose either --rate or --speed: a replay has one pace.", WRONG_USE)
    for name, value in (("--rate", rate), ("--speed", speed)):
        if value is not None and not 0 < value < float("inf"):
            fail(f"{name} must be a number above 0; without it, it goes at full speed.", WRONG_USE)


def _columns(given: list[str]) -> dict[str, str]:
    from consumers.replay.transcripts import FIELDS

    found: dict[str, str] = {}
    for pair in given:
        name, equals, column = pair.partition("=")
        if not equals or not column or name not in FIELDS:
            names = ", ".join(sorted(FIELDS))
            fail(f"--column takes FIELD=NAME, FIELD one of {names}: not {pair}.", WRONG_USE)
        if name in found or column in found.values():
            fail(f"--column {pair}: that field or column was named before.", WRONG_USE)
        found[name] = column
    return found


def _moment(option: str, given: str | None) -> datetime | None:
    """Return the moment; without a zone it is taken as UTC."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        fail(f"{option} must be a moment like 2026-03-01 or 2026-03-01T14:00:00Z.", WRONG_USE)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _tell(file: Path, fed: "Fed", settings: "Settings") -> None:
    if fed.before and not fed.sent:
        typer.echo(
            f"{file} is done already, as {_scope(fed)}: nothing written; "
            "--again replays it anew, and so does another --run-id"
        )
    else:
        before = f"; {fed.before:,} lines were done before" if fed.before else ""
        typer.echo(_written(fed, settings) + before)
    if fed.malformed:
        typer.echo(fed.left_out(), err=True)


def _tell_topic(topic: str, fed: "Fed", settings: "Settings") -> None:
    if fed.sent:
        typer.echo(_written(fed, settings))
    else:
        typer.echo(f"{topic} has nothing left to replay as {_scope(fed)}: nothing written")
    if fed.malformed:
        typer.echo(f"{fed.malformed:,} records that are no transcripts left out", err=True)


def _written(fed: "Fed", settings: "Settings") -> str:
    what = "1 transcript" if fed.sent == 1 else f"{fed.sent:,} transcripts"
    return f"{what} written to {settings.topics.transcripts} as {_scope(fed)}"


def _scope(fed: "Fed") -> str:
    return "live traffic" if fed.run_id is None else f"run {fed.run_id}"
