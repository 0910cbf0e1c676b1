"""Feeds a file of transcripts into a topic: JSONL or CSV, plain or gzip, as fast as it goes."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from schemas.codec import Undecodable, decode, encode
from schemas.transcript import Transcript

_RENAMED: Final = {"ts": "timestamp"}
"""Column names that transcript files use for our fields."""
_FIELDS: Final = frozenset(Transcript.model_fields)
_REQUIRED: Final = frozenset({"role", "text"})
_LONGEST_TURN: Final = 10
"""Digits; a number of more is no turn, and Python refuses to read very long ones."""

_Row = tuple[int, dict[str, Any] | None]
"""The number of its line, and the record, or None where it is none."""


class ReplayError(Exception):
    """A file cannot be replayed; one sentence."""


def transcripts(
    file: Path, run_id: str | None = None, at: Callable[[int], None] | None = None
) -> Iterator[Transcript | int]:
    """Yield the file's transcripts in order, and for a malformed one the number of its line.

    JSONL unless the name says CSV; ``.gz`` is unpacked. Lines count from 1; a CSV record that spans
    several has the number of its last. Raises `ReplayError` where the file cannot be read.
    ``run_id`` marks every transcript as part of a replay. ``at`` is told how many bytes of the file
    have been read.
    """
    try:
        with file.open("rb") as raw, _opened(raw, file) as stream:
            rows = _csv(stream, file) if ".csv" in file.suffixes else _jsonl(stream)
            for number, row in rows:
                yield number if row is None else _transcript(row, number, run_id)
                if at is not None:
                    at(raw.tell())
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise ReplayError(f"{file} cannot be read: {_why(error, file)}.") from error


def _why(error: Exception, file: Path) -> str:
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        cut = isinstance(error, EOFError)
        what = "it ends too early" if cut else "it is not gzip, or it is damaged"
        return f"{what}; get the whole file, or name it without .gz if it is not packed"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}; check the path, the rights and the disk"
    return f"it is not CSV near that place ({type(error).__name__}); check its quotes"


def _opened(raw: BinaryIO, file: Path) -> TextIOWrapper:
    unpacked = gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw
    # Bytes that are no UTF-8 spoil their own line only: the surrogates they become are refused.
    # Spreadsheets put a byte order mark in front, which belongs to no column's name.
    return TextIOWrapper(unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _jsonl(stream: IO[str]) -> Iterator[_Row]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else None


def _csv(stream: IO[str], file: Path) -> Iterator[_Row]:
    csv.field_size_limit(2**30)
    reader = csv.DictReader(stream)
    if not _REQUIRED.issubset(reader.fieldnames or ()):
        # The first line of a file without a header is a message, so it is not repeated.
        raise ReplayError(
            f"{file} has no columns named role and text in its first line: "
            "name the columns there, with commas between them."
        )
    for row in reader:
        filled: dict[str, Any] = {name: value for name, value in row.items() if name and value}
        turn = filled.get("turn", "")
        if turn.isdecimal() and len(turn) <= _LONGEST_TURN:
            filled["turn"] = int(turn)
        # An empty cell is an absent value, but a customer may well have sent an empty message.
        filled.setdefault("text", row.get("text") or "")
        yield reader.line_num, filled if row.get("text") is not None else None


def _transcript(row: dict[str, Any], number: int, run_id: str | None) -> Transcript | int:
    known = {_RENAMED.get(name, name): value for name, value in row.items()}
    fields = {name: value for name, value in known.items() if name in _FIELDS}
    extra = {
        name: value for name, value in known.items() if name not in _FIELDS and value is not None
    }
    if extra and "metadata" not in fields:
        fields["metadata"] = extra
    if run_id is not None:
        fields["run_id"] = run_id
    try:
        return decode(Transcript, json.dumps(fields).encode())
    except (Undecodable, ValueError, RecursionError):
        return number


def record_of(transcript: Transcript) -> tuple[bytes | None, bytes]:
    """Return the key and value of a transcript on its topic."""
    key = transcript.conversation_id
    return (key.encode() if key else None), encode(transcript)
