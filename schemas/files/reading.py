"""Reads the records of a file, in order and a few at a time: JSONL, JSON, CSV, TSV or Parquet.

What a record means is the reader's: here it is a number, its values by column, and what stands
there. A record that cannot be read is told in its place, and the next one is read.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from schemas.files.row import FileError, Row

SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
KINDS: Final = (*SEPARATORS, ".jsonl", ".ndjson", ".json", ".parquet")
"""The ends of names that say how a file is written. All else is taken for JSON lines."""
NOT_UTF8: Final = "the line is not UTF-8"
_CHUNK: Final = 1024 * 1024
_LONGEST_CELL: Final = 2**30
"""The csv library's own limit of 128 KiB is below what a long transcript needs."""

CheckColumns = Callable[[Sequence[str]], None]
"""Is told the names in the first line of a CSV or TSV file; may raise."""


def rows(file: Path, check: CheckColumns | None = None) -> Iterator[Row]:
    """Yield the file's records; raise `FileError` where it cannot be read.

    The end of the name tells how it is written; ``.gz`` is unpacked. CSV and TSV have the names of
    their columns in the first line, and None where a line has too few values.
    """
    kind = kind_of(file)
    with readable(file):
        if kind == ".parquet":
            # Its library is an extra, and slow to import.
            from schemas.files.parquet import table_rows  # noqa: PLC0415

            yield from table_rows(file)
            return
        with file.open("rb") as stream, _opened(stream, file) as text:
            if kind in SEPARATORS:
                yield from _separated(text, SEPARATORS[kind], check or (lambda _: None))
            elif kind == ".json":
                yield from _json(text, file)
            else:
                yield from _json_lines(text)


def last_line(file: Path) -> int:
    """Return the number of the last record, as `Row.line` would have it.

    Of a text file lines are counted, which is faster than to read them all.
    """
    kind = kind_of(file)
    with readable(file):
        if kind == ".parquet":
            from schemas.files.parquet import length  # noqa: PLC0415 - see above

            return length(file)
        if kind == ".json":
            return max((row.line for row in rows(file)), default=0)
        lines, last = 0, b"\n"
        with file.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if is_packed(file) else raw
            while chunk := stream.read(_CHUNK):
                lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    return lines + (last != b"\n")


def is_packed(file: Path) -> bool:
    """Whether the name says that the file is gzip."""
    return file.suffix.lower() == ".gz"


def kind_of(file: Path) -> str:
    """Return the end of the name that says how the file is written, without `.gz`."""
    return (file.with_suffix("") if is_packed(file) else file).suffix.lower()


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Map what reading a file raises to `FileError`."""
    try:
        yield
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise FileError(f"{file} cannot be read: {_why(error)}.") from error


def _why(error: Exception) -> str:
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        cut = isinstance(error, EOFError)
        what = "it ends too early" if cut else "it is not gzip, or it is damaged"
        return f"{what}; get the whole file, or name it without .gz if it is not packed"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}; check the path, the rights and the disk"
    return f"it is not CSV near that place ({type(error).__name__}); check its quotes"


def _opened(raw: BinaryIO, file: Path) -> TextIOWrapper:
    unpacked = gzip.GzipFile(fileobj=raw) if is_packed(file) else raw
    # Bytes that are no UTF-8 spoil their own line only: the surrogates they become are refused.
    # Spreadsheets put a byte order mark in front, which belongs to no column's name.
    return TextIOWrapper(unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _json_lines(stream: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield _json_line(number, line)


def _json_line(number: int, line: str) -> Row:
    raw = line.rstrip("\r\n")
    if not _is_utf8(raw):
        return Row(number, NOT_UTF8, raw)
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, "the line is not JSON", raw)
    return Row(number, values if isinstance(values, dict) else "the line is no JSON object", raw)


def _json(stream: IO[str], file: Path) -> Iterator[Row]:
    """Yield the records of one JSON value: a list of them, or lists of them by name.

    The name is in the column ``part``. A pair of texts is a text and its label. A file of JSON
    lines that is called JSON is read as what it is.
    """
    text = stream.read()
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip()[:1] != "{" or "\n" not in text.strip():
            raise FileError(f"{file} cannot be read: it is not JSON; correct it.") from None
        stream.seek(0)
        yield from _json_lines(stream)
        return
    if not _is_utf8(text):
        raise FileError(f"{file} cannot be read: it is not UTF-8; write it anew as UTF-8.")
    single = isinstance(whole, dict) and not all(isinstance(part, list) for part in whole.values())
    parts = {"": [whole]} if single else whole if isinstance(whole, dict) else {"": whole}
    number = 0
    for part, records in parts.items():
        for record in records if isinstance(records, list) else [records]:
            number += 1
            named = {"part": part} if part else {}
            if isinstance(record, list) and len(record) == 2:
                values: dict[str, Any] | str = {**named, "text": record[0], "label": record[1]}
            elif isinstance(record, dict):
                values = named | record
            else:
                values = "the record is no object, and no pair of a text and a label"
            yield Row(number, values, json.dumps(record, ensure_ascii=False))


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


def _separated(stream: IO[str], separator: str, check: CheckColumns) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    lines = _Lines(stream)
    reader = csv.DictReader(lines, delimiter=separator)
    check(reader.fieldnames or ())
    lines.taken()
    for row in reader:
        raw = lines.taken()
        # Values beyond the last column stand under None.
        values = {name: value for name, value in row.items() if name is not None}
        yield Row(reader.line_num, values if _is_utf8(raw) else NOT_UTF8, raw)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
