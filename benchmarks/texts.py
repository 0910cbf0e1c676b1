"""The messages that are measured on."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from consumers.replay.transcripts import Rejected, transcripts
from edgeroute.sample import conversations
from schemas.codec import decode, encode
from schemas.transcript import Transcript

ROOT: Final = Path(__file__).parents[1]
REAL: Final = ROOT.parent / "shared" / "data" / "replay" / "twacs_dev_sample.jsonl.gz"
ROLE: Final = "customer"


def customer_turns(given: Path | None) -> tuple[list[Transcript], str]:
    """Return every customer turn of the text there is, and its name.

    The file given, else the real conversations beside the repository, else the built-in ones.
    """
    file = given or (REAL if REAL.exists() else None)
    if file is None:
        source: Iterator[Transcript | Rejected] = conversations(8_000)
    else:
        source = transcripts(file)
    turns = [t for t in source if isinstance(t, Transcript) and t.role == ROLE and t.text.strip()]
    if not turns:
        raise SystemExit(f"{file} has no turns of a {ROLE}: give another file.")
    return turns, file.name if file else "built-in conversations (edgeroute.sample)"


def repeated(turns: Sequence[Transcript], count: int) -> Iterator[Transcript]:
    """Yield ``count`` turns: all of them, again and again, each time as other conversations."""
    for number, turn in enumerate(islice(cycle(turns), count)):
        again = f"{turn.conversation_id}-{number // len(turns)}"
        yield turn.model_copy(update={"conversation_id": again})


def save(turns: Sequence[Transcript], file: Path) -> None:
    """Write turns for another process to `read`."""
    file.write_bytes(b"\n".join(encode(turn) for turn in turns))


def read(file: Path) -> list[Transcript]:
    """Return the turns that `save` wrote."""
    return [decode(Transcript, line) for line in file.read_bytes().split(b"\n")]
