"""`edgeroute replay`: files of transcripts, onto the topic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import WRONG_USE, Config, examples, fail, needs_file

if TYPE_CHECKING:
    from edgeroute.feed import Fed
    from edgeroute.settings import Settings

EPILOG: Final = examples(
    "edgeroute replay turns.jsonl.gz                a run of its own; call it again to go on",
    "edgeroute replay march.csv --run-id march      under a name of yours",
    "edgeroute report --run-id march",
    "edgeroute replay calls.csv --column text=body --column timestamp=started --speed 60",
    "edgeroute replay turns.jsonl --live --rate 50  as live traffic, 50 a second",
)
_LONGEST: Final = 256
"""Characters of a run id."""


def replay(  # noqa: PLR0913, PLR0917 - one option each
    files: Annotated[
        list[Path], typer.Argument(help="JSONL, CSV (plain or .gz) or Parquet.", show_default=False)
    ],
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
    config: Config = None,
) -> None:
    """Write files of transcripts to the transcripts topic: a replay, with totals of its own.

    Every record needs role and text; conversation_id, turn, timestamp (or
    ts), language and metadata are used where they are there. On a broker with
    transactions it can be cut off at any moment: called again it goes on, and
    no line is missing or there twice. Malformed lines are counted and kept.
    """
    from rich.console import Console

    from edgeroute import feed, service
    from edgeroute.settings import load

    settings = load(config)
    _check(files, run_id, live, escalate, rejected)
    _check_pace(rate, speed)
    how = feed.Replay(
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
    fed = feed.replay(settings, files, how, Console(stderr=True))
    for file, one in zip(files, fed, strict=True):
        _tell(file, one, settings)
    if not fed[0].exact:
        typer.echo(
            "This broker has no transactions: called again, a replay starts over from line 1.",
            err=True,
        )


def _check(
    files: list[Path], run_id: str | None, live: bool, escalate: bool, rejected: Path | None
) -> None:
    for file in files:
        needs_file(file)
        if rejected is not None and rejected.exists() and rejected.samefile(file):
            fail(
                f"--rejected {rejected} would overwrite what is replayed: name another.", WRONG_USE
            )
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
    from consumers.replay import FIELDS

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


def _tell(file: Path, fed: "Fed", settings: "Settings") -> None:
    what = "1 transcript" if fed.sent == 1 else f"{fed.sent:,} transcripts"
    of_run = "live traffic" if fed.run_id is None else f"run {fed.run_id}"
    if fed.before and not fed.sent:
        typer.echo(
            f"{file} is done already, as {of_run}: nothing written; "
            "--again replays it anew, and so does another --run-id"
        )
    else:
        before = f"; {fed.before:,} lines were done before" if fed.before else ""
        typer.echo(f"{what} written to {settings.topics.transcripts} as {of_run}{before}")
    if fed.malformed:
        typer.echo(fed.left_out(), err=True)
