"""The commands about dead letters. What a command needs is imported inside it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import WRONG_USE, Config, examples, fail, printable

if TYPE_CHECKING:
    from collections import Counter

    from consumers.dead_letters.redrive import Reach
    from consumers.dead_letters.triage import Choice, Found, Outcome
    from edgeroute.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Look at what could not be used, and give it another try.",
    epilog=examples(
        "edgeroute dead-letters list --reason not_json",
        "edgeroute dead-letters show 3 17",
        "edgeroute dead-letters redrive --reason too_long",
    ),
)


class LetterReason(StrEnum):
    """Why a record is a dead letter, as `schemas.dead_letter.Cause` has it."""

    EMPTY = "empty"
    NOT_JSON = "not_json"
    INVALID = "invalid"
    WRONG_VERSION = "wrong_version"
    TOO_LONG = "too_long"
    NOT_INFERABLE = "not_inferable"


Reasons = Annotated[
    list[LetterReason] | None, typer.Option("--reason", help="Only these; repeat it for several.")
]
Partitions = Annotated[
    list[int] | None,
    typer.Option("--partition", min=0, help="Only these of the dead-letters topic; repeat it."),
]
Until = Annotated[
    str | None,
    typer.Option(help="Failed before this moment; ISO 8601, UTC where no zone is given."),
]

_REPORTED: Final[tuple[tuple["Outcome", str], ...]] = (
    ("redriven", "written to {topic} again"),
    ("older", "passed over: older than --since"),
    ("exhausted", "refused: redriven {attempts} times already"),
    ("not_whole", "refused: not kept whole"),
    ("foreign", "refused: not from {topic}, or no dead letter of ours"),
)


@app.command(
    "list",
    epilog=examples(
        "edgeroute dead-letters list",
        "edgeroute dead-letters list --reason too_long --since 2026-11-24T06:00Z",
        "edgeroute dead-letters list --limit 100000 --json | jq -r .cause | sort | uniq -c",
    ),
)
def list_(
    reason: Reasons = None,
    since: Annotated[
        str | None, typer.Option(help="Failed at this moment or after it; ISO 8601.")
    ] = None,
    until: Until = None,
    partition: Partitions = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: Config = None,
) -> None:
    """List the newest dead letters in the order of their failing. Shows no message's text.

    Reads the whole topic, or the partitions named. Letters that were redriven stay in the list
    until the topic's retention deletes them.
    """
    import asyncio

    from edgeroute.settings import load

    settings, choice = load(config), _choice(reason, since, until, partition)
    found, matching = asyncio.run(_newest(settings, choice, limit))
    if as_json:
        for letter in found:
            typer.echo(_as_json(letter))
    else:
        _print_table(found)
    if matching > len(found):
        typer.echo(f"the newest {len(found):,} of {matching:,}; --limit shows more", err=True)


@app.command(
    epilog=examples(
        "edgeroute dead-letters show 3 17",
        "edgeroute dead-letters show 3 17 --value > original.bin",
    ),
)
def show(
    partition: Annotated[int, typer.Argument(min=0, help="Of the dead-letters topic.")],
    offset: Annotated[int, typer.Argument(min=0, help="In that partition.")],
    value: Annotated[
        bool, typer.Option("--value", help="Write the original bytes, and nothing else.")
    ] = False,
    config: Config = None,
) -> None:
    """Print all that is known of one dead letter as JSON, except its text.

    The original bytes may hold a customer's words, so they come only with --value.
    """
    import asyncio

    from edgeroute.settings import load

    found = asyncio.run(_letter_at(load(config), partition, offset))
    if value:
        sys.stdout.buffer.write(found.raw.value or b"")
    else:
        typer.echo(_as_json(found, indent=2))


@app.command(
    epilog=examples(
        "edgeroute dead-letters redrive",
        "edgeroute dead-letters redrive --reason not_inferable",
        "edgeroute dead-letters redrive --until 2026-11-24T06:00Z",
    )
)
def redrive(
    reason: Reasons = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Failed at this moment or after it; ISO 8601. Older ones are passed over for good."
        ),
    ] = None,
    until: Until = None,
    partition: Partitions = None,
    config: Config = None,
) -> None:
    """Write the original records back to the transcripts topic, each exactly once.

    Ends at what the dead-letters topic held when it began. Calling it again, also after it was
    killed, goes on behind what is done: for each partition and reason there is a place, and
    everything before it has had its turn. What --reason, --partition or --until leave out keeps its
    turn; what --since leaves out or what is refused does not.

    Refused are letters that were not kept whole, that came from elsewhere, and that were redriven
    limits.redrive_attempts times already. Needs a broker with transactions.
    """
    import asyncio
    from collections import Counter

    from edgeroute.settings import load

    settings, choice = load(config), _choice(reason, since, until, partition)
    tally: Counter[Outcome] = Counter()
    try:
        asyncio.run(_redrive(settings, choice, tally))
    finally:
        _print_tally(settings, tally)


async def _redrive(settings: "Settings", choice: "Choice", tally: "Counter[Outcome]") -> None:
    from consumers.dead_letters.redrive import Redrive, redrive_all
    from consumers.dead_letters.triage import Rules
    from consumers.errors import Fatal
    from edgeroute import roles

    reach = await _reach(settings)
    if not reach.committed_only:
        raise Fatal(
            "This broker has no transactions, or kafka.delivery does without, so letters could be "
            "written twice: redrive on a Kafka, with kafka.delivery at auto or exactly-once."
        )
    asked = Redrive(
        Rules(choice, settings.topics.transcripts, settings.limits.redrive_attempts),
        roles.member(settings, "redrive", exactly_once=True),
        settings.topics.positions,
        settings.limits.transaction_records,
    )
    await redrive_all(reach, asked, tally)


def _print_tally(settings: "Settings", tally: "Counter[Outcome]") -> None:
    words = {"topic": settings.topics.transcripts, "attempts": settings.limits.redrive_attempts}
    for outcome, said in _REPORTED:
        if tally[outcome] or outcome == "redriven":
            typer.echo(f"{tally[outcome]:>9,} {said.format(**words)}")


async def _reach(settings: "Settings") -> "Reach":
    from consumers.dead_letters.redrive import Reach
    from edgeroute import roles, service

    service.silence_libraries()
    return Reach(
        roles.connection(settings),
        settings.topics.dead_letters,
        committed_only=await roles.delivers_exactly_once(settings),
    )


def _choice(
    reasons: Sequence[LetterReason] | None,
    since: str | None,
    until: str | None,
    partitions: Sequence[int] | None,
) -> "Choice":
    from consumers.dead_letters.triage import CAUSES, Choice

    wanted = {reason.value for reason in reasons or ()}
    return Choice(
        frozenset(cause for cause in CAUSES if not wanted or cause in wanted),
        _moment(since, "--since"),
        _moment(until, "--until"),
        frozenset(partitions or ()),
    )


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} is no moment in ISO 8601: write it as 2026-11-24T06:00Z.", WRONG_USE)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _letter_at(settings: "Settings", partition: int, offset: int) -> "Found":
    from consumers.dead_letters.redrive import letter_at

    return await letter_at(await _reach(settings), partition, offset)


async def _newest(settings: "Settings", choice: "Choice", limit: int) -> tuple[list["Found"], int]:
    """Return the newest letters, oldest first and without their values, and how many there are."""
    import heapq
    from dataclasses import replace

    from consumers.dead_letters.redrive import letters

    kept: list[tuple[float, int, Found]] = []
    matching = 0
    async for found in letters(await _reach(settings), choice):
        matching += 1
        # The values may be large, and nobody shows them.
        light = found._replace(raw=replace(found.raw, value=None))
        # A record of somebody else tells no time: it counts as the oldest.
        failed = found.letter.failed_at.timestamp() if found.letter else 0.0
        heapq.heappush(kept, (failed, matching, light))
        if len(kept) > limit:
            heapq.heappop(kept)
    return [found for _, _, found in sorted(kept)], matching


def _as_json(found: "Found", indent: int | None = None) -> str:
    import json

    known = found.letter.model_dump(mode="json", exclude_none=True) if found.letter else {}
    place = {"partition": found.raw.partition, "offset": found.raw.offset}
    return json.dumps({**place, "is_ours": found.letter is not None, **known}, indent=indent)


def _print_table(found: Sequence["Found"]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("partition", "offset"):
        table.add_column(name, justify="right")
    for name in ("failed at", "reason", "what is wrong", "from", "bytes", "tries"):
        table.add_column(name, justify="right" if name in {"bytes", "tries"} else "left")
    for each in found:
        table.add_row(*(Text(cell) for cell in _row(each)))
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table if found else "There are no such dead letters.")


def _row(found: "Found") -> tuple[str, ...]:
    raw, letter = found
    place = (str(raw.partition), str(raw.offset))
    if letter is None:
        return (*place, "", "", "a record that is no dead letter of ours", "", "", "")
    source = letter.source
    return (
        *place,
        letter.failed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        letter.cause,
        printable(letter.error),
        printable(f"{source.topic}[{source.partition}]@{source.offset}"),
        f"{letter.size:,}" + (" (cut)" if letter.truncated else ""),
        str(letter.attempts + 1),
    )
