"""Reads files of transcripts: JSONL, CSV or Parquet, the first two plain or gzip."""

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from consumers.records import Raw
from schemas.codec import Undecodable, decode, encode
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
_CHUNK: Final = 1024 * 1024


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


@dataclass(frozen=True, slots=True)
class Row:
    """The number of a line, its values or the rule that it breaks, and what stands there."""

    line: int
    values: dict[str, Any] | str
    raw: str


def transcripts(
    file: Path, reading: Reading | None = None, at: Callable[[int], None] | None = None
) -> Generator[Transcript | Rejected, None, None]:
    """Yield the file's transcripts in order, and in their places the lines that are none.

    The end of the name tells CSV and Parquet, all else is JSONL; ``.gz`` is unpacked. Lines count
    from 1; a CSV record that spans several has the number of its last, and in Parquet it is that of
    the row. Raises `ReplayError` where the file cannot be read. ``at`` is told the number of each
    line that is done with.
    """
    how = reading or Reading()
    with _readable(file):
        for row in _rows(file, how):
            yield _transcript(row, how)
            if at is not None:
                at(row.line)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    found = hashlib.sha256()
    with _readable(file), file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def lines_in(file: Path) -> int:
    """Return the number of the file's last line, which is faster to find than to read them all."""
    with _readable(file):
        if _kind(file) == ".parquet":
            from consumers.replay.parquet import length  # noqa: PLC0415 - see below

            return length(file)
        lines, last = 0, b"\n"
        with file.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if _packed(file) else raw
            while chunk := stream.read(_CHUNK):
                lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    return lines + (last != b"\n")


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise ReplayError(f"{file} cannot be read: {_why(error)}.") from error


def stem_of(file: Path) -> str:
    """Return the file's name without what says how it is written and packed."""
    bare = file.with_suffix("") if _packed(file) and file.stem else file
    return bare.stem or file.name


def _packed(file: Path) -> bool:
    return file.suffix.lower() == ".gz"


def _kind(file: Path) -> str:
    return (file.with_suffix("") if _packed(file) else file).suffix.lower()


def _rows(file: Path, how: Reading) -> Iterator[Row]:
    if _kind(file) == ".parquet":
        # Its library is an extra, and slow to import.
        from consumers.replay.parquet import rows  # noqa: PLC0415

        yield from rows(file)
        return
    with file.open("rb") as raw, _opened(raw, file) as stream:
        yield from _csv(stream, file, how.columns) if _kind(file) == ".csv" else _jsonl(stream)


def _why(error: Exception) -> str:
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        cut = isinstance(error, EOFError)
        what = "it ends too early" if cut else "it is not gzip, or it is damaged"
        return f"{what}; get the whole file, or name it without .gz if it is not packed"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}; check the path, the rights and the disk"
    return f"it is not CSV near that place ({type(error).__name__}); check its quotes"


def _opened(raw: BinaryIO, file: Path) -> TextIOWrapper:
    unpacked = gzip.GzipFile(fileobj=raw) if _packed(file) else raw
    # Bytes that are no UTF-8 spoil their own line only: the surrogates they become are refused.
    # Spreadsheets put a byte order mark in front, which belongs to no column's name.
    return TextIOWrapper(unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _jsonl(stream: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        raw = line.rstrip("\r\n")
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, "the line is not JSON", raw)
            continue
        is_object = isinstance(values, dict)
        yield Row(number, values if is_object else "the line is no JSON object", raw)


class _Lines:
    """Hands lines on, and keeps those since the last look."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._kept: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self._kept.append(line)
        return line

    def taken(self) -> str:
        taken = "".join(self._kept).strip("\r\n")
        self._kept.clear()
        return taken


def _csv(stream: IO[str], file: Path, columns: Mapping[str, str]) -> Iterator[Row]:
    csv.field_size_limit(2**30)
    lines = _Lines(stream)
    reader = csv.DictReader(lines)
    role, text, turn = (columns.get(name, name) for name in ("role", "text", "turn"))
    if not {role, text}.issubset(reader.fieldnames or ()):
        # The first line of a file without a header is a message, so it is not repeated.
        raise ReplayError(
            f"{file} has no columns named {role} and {text} in its first line: name the columns "
            "there, with commas between them, or say which they are (--column text=NAME)."
        )
    lines.taken()
    for row in reader:
        filled: dict[str, Any] = {name: value for name, value in row.items() if name and value}
        number = filled.get(turn, "")
        if number.isdecimal() and len(number) <= _LONGEST_TURN:
            filled[turn] = int(number)
        # An empty cell is an absent value, but a customer may well have sent an empty message.
        filled.setdefault(text, row.get(text) or "")
        whole = row.get(text) is not None
        rule = "the line has fewer values than the first line has columns"
        yield Row(reader.line_num, filled if whole else rule, lines.taken())


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
        return Rejected(row.line, "the line is not UTF-8", row.raw)
    except (ValueError, RecursionError):
        return Rejected(row.line, "the line is not JSON", row.raw)


def _fields(values: Mapping[str, Any], line: int, how: Reading) -> dict[str, Any]:
    """Return the fields of a transcript; columns that are none of them become its metadata."""
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
