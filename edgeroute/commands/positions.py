"""The commands about positions. What a command needs is imported inside it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edgeroute.options import WRONG_USE, Config, examples, fail, printable

if TYPE_CHECKING:
    from consumers.standing import Move, Overview, Standing, State
    from edgeroute.settings import Settings
    from schemas.position import Moved

app = typer.Typer(
    no_args_is_help=True,
    help="See how far each role has come in each partition, or set where it goes on.",
    epilog=examples(
        "edgeroute positions show",
        "edgeroute positions set edge 3 --to 1150",
        "edgeroute positions set redrive --to-start",
    ),
)
MOVES: Final = 10
"""At most this many moves by hand are shown, the newest."""


class Keeper(StrEnum):
    """Who keeps positions."""

    EDGE = "edge"
    CLOUD = "cloud"
    REDRIVE = "redrive"


MEANINGS: Final[dict["State", str]] = {
    "agrees": "our record and the broker say the same.",
    "the broker forgot": "the broker does not say what is recorded: the role goes on as recorded.",
    "not recorded": "the broker knows a position that is not recorded yet: the role goes on there.",
    "new": "nobody has worked on the partition: the role begins at its start.",
    "in doubt": "nobody can tell where the role stands: it waits, and then ends; set the position.",
    "beyond the end": "the topic was made anew: the role ends; set the position.",
    "expired": "retention deleted records before they were read: the role goes on at the start.",
}


@app.command(
    epilog=examples(
        "edgeroute positions show",
        "edgeroute positions show --json | jq '.lanes[] | select(.state == \"in doubt\")'",
    )
)
def show(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    config: Config = None,
) -> None:
    """Print for every partition what is recorded, what the broker says, and what is answered.

    Answered is what the newest 20,000 offsets of each output partition tell. Roles may be at work
    meanwhile. Ends with 1 where a position is in doubt or beyond the end.
    """
    import asyncio

    from consumers.standing import NEEDS_A_PERSON
    from edgeroute.settings import load

    found = asyncio.run(_overview(load(config)))
    _print_json(found) if as_json else _print(found)
    if found and any(lane.state in NEEDS_A_PERSON for lane in found.lanes):
        raise typer.Exit(1)


@app.command(
    "set",
    epilog=examples(
        "edgeroute positions set edge 3 --to 1150 --why 'answer the last hour again'",
        "edgeroute positions set cloud --to-answered",
        "edgeroute positions set redrive --to-start",
    ),
)
def set_(  # noqa: PLR0913, PLR0917 - one option each
    role: Annotated[Keeper, typer.Argument(help="Whose position.", show_default=False)],
    partition: Annotated[
        int | None, typer.Argument(min=0, help="Of the topic that it reads; else all of them.")
    ] = None,
    to: Annotated[int | None, typer.Option(min=0, help="Go on at this offset.")] = None,
    to_start: Annotated[
        bool, typer.Option("--to-start", help="Go on at the oldest record there is.")
    ] = False,
    to_end: Annotated[
        bool, typer.Option("--to-end", help="Go on behind the newest record there is.")
    ] = False,
    to_answered: Annotated[
        bool, typer.Option("--to-answered", help="Go on behind the last input that is answered.")
    ] = False,
    why: Annotated[str, typer.Option(help="For whoever looks later.")] = "",
    config: Config = None,
) -> None:
    """Set where a role goes on when it next starts. Stop all of it first.

    Backwards, what was answered is answered again. Forwards, what lies between is never answered.
    What was set stays on the topic of positions, and positions show prints it.
    """
    import asyncio

    from edgeroute.settings import load

    ways = {"start": to_start, "end": to_end, "answered": to_answered}
    move = _move(to, [way for way, wanted in ways.items() if wanted], partition, why)
    asyncio.run(_set(load(config), role, move))


def _move(to: int | None, ways: Sequence[Any], partition: int | None, why: str) -> "Move":
    from consumers.standing import Move
    from schemas.position import WHY_CHARACTERS

    if len(ways) + (to is not None) != 1:
        fail("Say where to: one of --to, --to-start, --to-end and --to-answered.", WRONG_USE)
    if to is not None and partition is None:
        fail("--to goes with one partition: name it in front of --to.", WRONG_USE)
    if len(why) > WHY_CHARACTERS:
        fail(f"--why can have {WHY_CHARACTERS} characters: shorten it.", WRONG_USE)
    partitions = () if partition is None else (partition,)
    return Move(ways[0] if to is None else to, datetime.now(UTC), partitions, why)


async def _set(settings: "Settings", role: str, move: "Move") -> None:
    from consumers import kafka
    from consumers.errors import Fatal
    from edgeroute import roles, service

    service.silence_libraries()
    if not await roles.delivers_exactly_once(settings):
        raise Fatal(_not_recorded())
    done = kafka.set_positions(
        roles.connection(settings),
        roles.member(settings, role, exactly_once=True),
        roles.reader(settings, role),
        settings.topics.positions,
        move,
    )
    async for moved in done:
        typer.echo(_moved(moved))


async def _overview(settings: "Settings") -> "Overview | None":
    """Return where every lane stands; None where delivery is not exactly once."""
    from consumers import kafka
    from edgeroute import roles, service

    service.silence_libraries()
    if not await roles.delivers_exactly_once(settings):
        return None
    readers = [roles.reader(settings, keeper.value) for keeper in Keeper]
    return await kafka.overview(roles.connection(settings), settings.topics.positions, readers)


def _not_recorded() -> str:
    return (
        "Positions are recorded only where delivery is exactly once: use a Kafka with "
        "transactions, and kafka.delivery at auto or exactly-once."
    )


def _moved(moved: "Moved") -> str:
    """Say what a move was; a broker that said the same as our record needs no word."""
    before, committed = _offset(moved.recorded), _offset(moved.committed)
    said = "" if committed == before else f" (the broker said {committed})"
    return f"{moved.topic}[{moved.partition}]: {before} -> {moved.offset:,}{said}"


def _offset(offset: int | None) -> str:
    return "none" if offset is None else f"{offset:,}"


# -- printing --------------------------------------------------------------------------------------


def _print(found: "Overview | None") -> None:
    from rich.console import Console

    if found is None:
        typer.echo(_not_recorded())
        return
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(_table(found.lanes))
    states = {lane.state for lane in found.lanes}
    for state, meaning in MEANINGS.items():
        if state in states:
            typer.echo(f"{state}: {meaning}")
    for lane in found.lanes:
        if lane.why:
            typer.echo(_doubt(lane))
    _print_moves(found.moves)


def _table(lanes: "Sequence[Standing]") -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("role", "partition"):
        table.add_column(name)
    for name in ("recorded", "the broker", "answered", "log start", "log end"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for lane in lanes:
        table.add_row(*(Text(cell) for cell in _row(lane)))
    return table


def _row(lane: "Standing") -> tuple[str, ...]:
    known = lane.known
    offsets = (known.recorded, known.committed, known.answered, lane.start, lane.end)
    state = f"{lane.state}: {lane.lost:,} lost" if lane.lost else lane.state
    return (lane.reader.role, _named(lane), *map(_offset, offsets), state)


def _named(lane: "Standing") -> str:
    return f"{lane.partition.topic}[{lane.partition.number}]"


def _doubt(lane: "Standing") -> str:
    role, number = lane.reader.role, lane.partition.number
    return (
        f"{role} {_named(lane)} is in doubt, since {lane.why}; to go on where we propose: "
        f"edgeroute positions set {role} {number} --to {lane.proposed}"
    )


def _print_moves(moves: "Sequence[Moved]") -> None:
    if not moves:
        return
    typer.echo("\nset by hand:")
    for moved in moves[-MOVES:]:
        at = moved.moved_at.strftime("%Y-%m-%d %H:%M:%SZ")
        role = moved.group.rpartition(".")[2]
        why = f": {printable(moved.why)}" if moved.why else ""
        typer.echo(f"{at} {role} {_moved(moved)}{why}")


def _print_json(found: "Overview | None") -> None:
    import json

    told = {
        "exactly_once": found is not None,
        "lanes": [_as_object(lane) for lane in found.lanes] if found else [],
        "moves": [moved.model_dump(mode="json") for moved in found.moves] if found else [],
    }
    typer.echo(json.dumps(told, indent=2))


def _as_object(lane: "Standing") -> dict[str, Any]:
    return {
        "role": lane.reader.role,
        "topic": lane.partition.topic,
        "partition": lane.partition.number,
        "recorded": lane.known.recorded,
        "committed": lane.known.committed,
        "answered": lane.known.answered,
        "start": lane.start,
        "end": lane.end,
        "state": lane.state,
        "why": lane.why or None,
        "proposed": lane.proposed,
        "lost": lane.lost,
    }
