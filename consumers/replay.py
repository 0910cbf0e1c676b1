"""Feeds a file of transcripts into a topic: JSONL or CSV, plain or gzip, as fast as it goes."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from schemas.codec import Undecodable, decode, encode
from schemas.transcript import Transcript

_RENAMED: Final = {"ts": "timestamp"}
"""Column names that transcript files use for our fields."""
_FIELDS: Final = frozenset(Transcript.model_fields)


class ReplayError(Exception):
    """A file cannot be replayed; one sentence."""


def transcripts(
    file: Path, run_id: str | None = None, at: Callable[[int], None] | None = None
) -> Iterator[Transcript | int]:
    """Yield the file's transcripts in order, and for a malformed record its number (from 1).

    JSONL unless the name says CSV; ``.gz`` is unpacked. Raises `ReplayError` where the file cannot
    be read. ``run_id`` marks every transcript as part of a replay. ``at`` is told how many bytes of
    the file have been read.
    """
    try:
        with file.open("rb") as raw, _opened(raw, file) as stream:
            rows = _csv(stream) if ".csv" in file.suffixes else _jsonl(stream)
            for number, row in enumerate(rows, start=1):
                yield number if row is None else _transcript(row, number, run_id)
                if at is not None:
                    at(raw.tell())
    except (OSError, EOFError, csv.Error) as error:
        raise ReplayError(
            f"{file} cannot be read ({type(error).__name__}): check the path and the format."
        ) from error


def _opened(raw: BinaryIO, file: Path) -> TextIOWrapper:
    unpacked = gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw
    # Bytes that are no UTF-8 spoil their own line only: the surrogates they become are refused.
    return TextIOWrapper(unpacked, encoding="utf-8", errors="surrogateescape", newline="")


def _jsonl(stream: IO[str]) -> Iterator[dict[str, Any] | None]:
    for line in stream:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield row if isinstance(row, dict) else None


def _csv(stream: IO[str]) -> Iterator[dict[str, Any] | None]:
    csv.field_size_limit(2**30)
    for row in csv.DictReader(stream):
        filled: dict[str, Any] = {name: value for name, value in row.items() if name and value}
        if "turn" in filled:
            filled["turn"] = int(filled["turn"]) if filled["turn"].isdecimal() else filled["turn"]
        # An empty cell is an absent value, but a customer may well have sent an empty message.
        filled.setdefault("text", row.get("text") or "")
        yield filled if row.get("text") is not None else None


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
    except (Undecodable, ValueError):
        return number


def record_of(transcript: Transcript) -> tuple[bytes | None, bytes]:
    """Return the key and value of a transcript on its topic."""
    key = transcript.conversation_id
    return (key.encode() if key else None), encode(transcript)
