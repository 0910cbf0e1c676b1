"""The commands about transactions that hang. What a command needs is imported inside it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from edgeroute.options import Config, examples

if TYPE_CHECKING:
    from consumers.kafka import Hanging
    from edgeroute.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="See which transactions the broker has left open for ever, or end them.",
    epilog=examples("edgeroute transactions show", "edgeroute transactions finish"),
)
Quiet = Annotated[
    float,
    typer.Option(min=0, help="Look at those that nobody has written to for this many seconds."),
]


class End(StrEnum):
    """How a transaction ends."""

    COMMIT = "commit"
    ABORT = "abort"


@app.command(epilog=examples("edgeroute transactions show"))
def show(quiet_for: Quiet = 60.0, config: Config = None) -> None:
    """Print the transactions that hang in our topics: open, and their coordinator has ended them.

    Kafka may leave one where it is killed twice in a row; readers of committed records stand still
    at it. Roles may be at work meanwhile. Ends with 1 where one hangs.
    """
    import asyncio

    from edgeroute.settings import load

    found = asyncio.run(_hanging(load(config), quiet_for))
    for one in found:
        typer.echo(_sentence(one))
    if not found:
        typer.echo("No transaction hangs.")
        return
    typer.echo("To end them as the broker's log says: edgeroute transactions finish")
    raise typer.Exit(1)


@app.command(
    epilog=examples(
        "edgeroute transactions finish",
        "edgeroute transactions finish --unknown abort",
    )
)
def finish(
    unknown: Annotated[
        End | None,
        typer.Option(help="How to end those of which the broker's log says nothing."),
    ] = None,
    quiet_for: Quiet = 60.0,
    config: Config = None,
) -> None:
    """End the transactions that hang, each as its coordinator decided; nothing is lost so.

    Roles may be at work meanwhile. The Kafka user needs the right to act for the cluster
    (CLUSTER_ACTION). Ends with 1 where one is left.
    """
    import asyncio

    from edgeroute.settings import load

    left = asyncio.run(_finish(load(config), unknown, quiet_for))
    if left:
        typer.echo("Say with --unknown how to end what the broker's log does not tell.")
        raise typer.Exit(1)


async def _finish(settings: "Settings", unknown: End | None, quiet_for: float) -> int:
    """End what can be ended, say each, and return how many are left."""
    from consumers import kafka
    from edgeroute import roles

    left = 0
    for one in await _hanging(settings, quiet_for):
        how = _known(one) or unknown
        if how is None:
            left += 1
            typer.echo(_sentence(one))
            continue
        await kafka.finish_transaction(roles.connection(settings), one, commit=how == End.COMMIT)
        typer.echo(f"{_sentence(one)}: ended with {how}")
    return left


async def _hanging(settings: "Settings", quiet_for: float) -> "Sequence[Hanging]":
    import time

    from consumers import kafka
    from edgeroute import roles, service

    service.silence_libraries()
    before_ms = int((time.time() - quiet_for) * 1000)
    return await kafka.hanging_transactions(
        roles.connection(settings), roles.written_topics(settings), before_ms
    )


def _known(one: "Hanging") -> End | None:
    if one.committed is None:
        return None
    return End.COMMIT if one.committed else End.ABORT


def _sentence(one: "Hanging") -> str:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(one.last_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    says = {None: "does not say how it ended", True: "says committed", False: "says aborted"}
    topic, number = one.partition
    return (
        f"{topic}[{number}] from {one.offset:,} on, last written to at {at}: "
        f"the broker's log {says[one.committed]}"
    )
