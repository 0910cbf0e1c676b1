"""Reads files of transcripts, in any of the forms that `schemas.files.reading` knows."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from consumers.records import Raw
from schemas.codec import Undecodable, decode, encode
from schemas.files.reading import (
    NOT_UTF8,
    SEPARATORS,
    CheckColumns,
    is_packed,
    kind_of,
    last_line,
    readable,
    rows,
)
from schemas.files.row import FileError, Row
from schemas.files.whole import sha256_of
from schemas.transcript import Transcript

_RENAMED: Final = {"ts": "timestamp"}
"""Column names that transcript files use for our fields."""
_OURS: Final = frozenset({"run_id", "escalate"})
"""Fields that say how a replay is done: the command decides them, whatever a file says."""
FIELDS: Final = frozenset(Transcript.model_fields) - _OURS - {"version"}
"""What a column can be."""
_READ: Final = FIELDS | {"version"}
_LONGEST_TURN: Final = 10
"""Digits; a number of more is no turn, and Python refuses to read very long ones."""
LARGEST: Final = 1_000_000
"""Bytes of a record: the broker takes no more than 1 MiB, with all that comes around it."""


class ReplayError(Exception):
    """A file cannot be replayed; one sentence."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no transcript: its number, the rule it breaks, and what stands there."""

    line: int
    rule: str
    raw: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read and what is put on its transcripts.

    ``run_id`` and ``escalate`` are put on each, whatever the file says. ``columns`` names for a
    field the column that it is in. With ``digest``, which is the file's, a line without a
    conversation is a conversation of its own, the same at every reading.
    """

    run_id: str | None = None
    escalate: bool | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    digest: str | None = None


def transcripts(
    file: Path, reading: Reading | None = None, at: Callable[[int], None] | None = None
) -> Generator[Transcript | Rejected, None, None]:
    """Yield the file's transcripts in order, and in their places the lines that are no transcripts.

    What forms files have, and how lines are counted, says `schemas.files.reading`. Raises
    `ReplayError` where the file cannot be read. ``at`` is told the number of each line that is done
    with.
    """
    how = reading or Reading()
    with _readable(file):
        is_table = kind_of(file) in SEPARATORS
        for row in rows(file, _check(file, how)):
            yield _transcript(_of_cells(row, how) if is_table else row, how)
            if at is not None:
                at(row.line)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    with _readable(file), readable(file):
        return sha256_of(file)


def lines_in(file: Path) -> int:
    """Return the number of the file's last line, which is faster to find than to read them all."""
    with _readable(file):
        return last_line(file)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except FileError as error:
        raise ReplayError(str(error)) from error


def stem_of(file: Path) -> str:
    """Return the file's name without what says how it is written and packed."""
    bare = file.with_suffix("") if is_packed(file) and file.stem else file
    return bare.stem or file.name


def _check(file: Path, how: Reading) -> CheckColumns:
    """Return what refuses a table without the columns that every transcript has."""
    role, text = (how.columns.get(name, name) for name in ("role", "text"))

    def check(names: Sequence[str]) -> None:
        if not {role, text}.issubset(names):
            # The first line of a file without a header is a message, so it is not repeated.
            signs = "commas" if kind_of(file) == ".csv" else "tabs"
            raise ReplayError(
                f"{file} has no columns named {role} and {text} in its first line: name the "
                f"columns there, with {signs} between them, or say which they are "
                "(--column text=NAME)."
            )

    return check


def _of_cells(row: Row, how: Reading) -> Row:
    """Return a line of a table as JSON would have it: numbers, and nothing for an empty cell."""
    if isinstance(row.values, str):
        return row
    text, turn = (how.columns.get(name, name) for name in ("text", "turn"))
    if row.values.get(text) is None:
        return Row(row.line, "the line has fewer values than the first line has columns", row.raw)
    filled: dict[str, Any] = {name: value for name, value in row.values.items() if name and value}
    number = filled.get(turn, "")
    if number.isdecimal() and len(number) <= _LONGEST_TURN:
        filled[turn] = int(number)
    # An empty cell is an absent value, but a customer may well have sent an empty message.
    filled.setdefault(text, row.values[text])
    return Row(row.line, filled, row.raw)


def _transcript(row: Row, how: Reading) -> Transcript | Rejected:
    if isinstance(row.values, str):
        return Rejected(row.line, row.values, row.raw)
    try:
        value = json.dumps(_fields(row.values, row.line, how), ensure_ascii=False).encode()
        if len(value) > LARGEST:
            return Rejected(row.line, f"the record has more than {LARGEST:,} bytes", row.raw)
        return decode(Transcript, value)
    except Undecodable as fault:
        return Rejected(row.line, fault.error, row.raw)
    except UnicodeEncodeError:
        return Rejected(row.line, NOT_UTF8, row.raw)
    except (ValueError, RecursionError):
        return Rejected(row.line, "the line is not JSON", row.raw)


def _fields(values: Mapping[str, Any], line: int, how: Reading) -> dict[str, Any]:
    """Return the fields of a transcript; other columns become its metadata."""
    named = {column: name for name, column in how.columns.items()}
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for column, value in values.items():
        name = named.get(column, _RENAMED.get(column, column))
        taken = name in how.columns and column not in named
        if name in _READ and not taken:
            fields[name] = value
        elif value is not None and name not in _OURS:
            extra[column] = value
    if extra and "metadata" not in fields:
        fields["metadata"] = extra
    if how.digest is not None and fields.get("conversation_id") is None:
        fields["conversation_id"] = f"{how.digest[:16]}-{line}"
        if fields.get("turn") is None:
            fields["turn"] = 0
    marks = {"run_id": how.run_id, "escalate": how.escalate}
    return fields | {name: value for name, value in marks.items() if value is not None}


def reread(raw: Raw, reading: Reading) -> Transcript | Rejected | None:
    """Return a record of a transcripts topic as one of this replay; None of an earlier replay's.

    Replays are left out, or a topic replayed into itself would never end. A record without a
    conversation is a conversation of its own, made from its position.
    """
    try:
        transcript = decode(Transcript, raw.value)
    except Undecodable as fault:
        return Rejected(raw.offset, fault.error, "")
    if transcript.run_id is not None:
        return None
    marks: dict[str, Any] = {"run_id": reading.run_id, "escalate": reading.escalate}
    if transcript.conversation_id is None:
        place = f"{raw.topic}-{raw.partition}-{raw.offset}"
        marks |= {"conversation_id": place, "turn": transcript.turn or 0}
    return transcript.model_copy(update=marks)


def record_of(transcript: Transcript) -> tuple[bytes | None, bytes]:
    """Return the key and value of a transcript on its topic."""
    key = transcript.conversation_id
    return (key.encode() if key else None), encode(transcript)
