"""The command `generate`: made-up conversations into a file."""

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import WRONG_USE, examples, fail

if TYPE_CHECKING:
    from training.generator import Mix, Turn

MESSAGES: Final = 5_000
START: Final = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - the option takes none, see below
"""In UTC. A Monday morning: a fixed one, because the same call must give the same bytes."""
STDOUT: Final = Path("-")
EPILOG: Final = examples(
    "edgeroute generate | head",
    "edgeroute generate --turns 20000 --times --out turns.jsonl.gz",
    "edgeroute generate --hard 0.2 --angry 0.1 --malformed 0.02 --out rough.csv",
    "edgeroute generate --labelled-only --out messages.csv      to train on",
    "edgeroute generate --posts --messages 20000 --out posts.csv",
)


def generate(  # noqa: PLR0913, PLR0917 - one option each
    out: Annotated[
        Path, typer.Option(help="JSONL, or CSV by its name; .gz packs it; - is standard output.")
    ] = STDOUT,
    messages: Annotated[
        int | None, typer.Option(min=1, help="Customers' messages, all labelled; 5,000 if not set.")
    ] = None,
    turns: Annotated[
        int | None, typer.Option(min=1, help="Instead: turns of customers and agents together.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 42,
    hard: Annotated[
        float, typer.Option(min=0, max=1, help="Share of messages that are long and ambiguous.")
    ] = 0.05,
    angry: Annotated[
        float, typer.Option(min=0, max=1, help="Share of messages that ask for a person.")
    ] = 0.05,
    malformed: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of lines that nobody can read.")
    ] = 0.0,
    times: Annotated[
        bool, typer.Option("--times", help="Timestamps; conversations then overlap.")
    ] = False,
    start: Annotated[
        datetime, typer.Option(help="Time of the first turn, in UTC, with --times.")
    ] = START,
    labelled_only: Annotated[
        bool, typer.Option("--labelled-only", help="Leave the agents' turns out.")
    ] = False,
    posts: Annotated[
        bool, typer.Option("--posts", help="Single messages of many styles, not conversations.")
    ] = False,
) -> None:
    """Make up support conversations: to try things out, to replay, to train on.

    Customers and agents in eleven trades; each customer's message has its
    label (40 % positive, 30 % negative, 30 % neutral) in a column and in the
    metadata, and one in five holds an account number. An existing file is
    overwritten. Nobody ever said any of it.
    """
    from random import Random

    from training.generator import Form, Mix, lines
    from training.generator import messages as singly
    from training.generator import turns as endless

    mix = Mix(hard, angry)
    if posts and (turns is not None or times or labelled_only or mix != Mix()):
        fail("--posts stands with --messages, --seed, --malformed and --out only.", WRONG_USE)
    _possible(mix, messages, turns)
    _has_folder(out)
    draw = Random(seed)
    name = f"made{seed}"
    begin = start.replace(tzinfo=UTC) if times else None
    stream = singly(draw, name) if posts else endless(draw, name, mix, begin)
    wanted = _wanted(stream, messages, turns)
    kept = (turn for turn in wanted if turn.label is not None) if labelled_only else wanted
    form: Form = "csv" if ".csv" in out.suffixes else "jsonl"
    _write(out, lines(kept, form, malformed, draw))


def _possible(mix: "Mix", messages: int | None, turns: int | None) -> None:
    if messages is not None and turns is not None:
        fail("Give --messages or --turns, not both: they count in two ways.", WRONG_USE)
    if mix.angry > mix.most_angry + 1e-9:
        fail(
            f"--angry can be at most {mix.most_angry:.3g} here: angry messages are negative, and "
            "30 % of those that are not hard are; lower --angry or --hard.",
            WRONG_USE,
        )


def _has_folder(out: Path) -> None:
    if out.is_dir() or not out.parent.is_dir():
        fail(f"{out} cannot be written: name a file in a folder that exists.", WRONG_USE)


def _wanted(stream: "Iterator[Turn]", messages: int | None, turns: int | None) -> "Iterator[Turn]":
    from training.generator import messages_of

    if turns is not None:
        return islice(stream, turns)
    return messages_of(stream, messages or MESSAGES)


def _write(out: Path, content: Iterable[bytes]) -> None:
    with _opened(out) as stream:
        stream.writelines(content)


@contextmanager
def _opened(out: Path) -> "Iterator[IO[bytes]]":
    if out == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with out.open("wb") as raw:
        if out.suffix != ".gz":
            yield raw
            return
        # Neither a name nor a time inside, or the same turns would not give the same bytes.
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            yield packed  # type: ignore[misc]
