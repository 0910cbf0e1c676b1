"""Records of a file of messages, whatever its format."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from training import TrainingError

Record = Mapping[str, Any]

_AT_ONCE: Final = 1_000
"""Rows of a Parquet file that are in memory as Python objects together."""


def records(path: Path) -> Iterator[Record]:
    """Yield the file's records. Its name says the format; its columns are as they come.

    Raises `TrainingError` where it cannot be read.
    """
    reader = _READERS.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if reader is None:
        raise TrainingError(
            f"{path} is neither .csv, .tsv, .jsonl, .ndjson, .json nor .parquet "
            "(.gz allowed); convert it"
        )
    with _opened(path) as content:
        yield from reader(content, path)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as raw:
            if path.suffix == ".gz":
                with gzip.open(raw, "rb") as packed:
                    yield packed  # type: ignore[misc]  # it lacks one method that nobody needs
            else:
                yield raw
    except (OSError, UnicodeDecodeError, EOFError, csv.Error, zlib.error) as error:
        raise TrainingError(
            f"{path} cannot be read as what its name says ({type(error).__name__}); "
            "get the whole file, as UTF-8, or correct its name"
        ) from error


def _separated(separator: str) -> "_Reader":
    def rows(content: BinaryIO, path: Path) -> Iterator[Record]:
        del path
        # The library's own limit of 128 KiB a field is below what a long transcript needs.
        csv.field_size_limit(2**30)
        with io.TextIOWrapper(content, encoding="utf-8-sig", newline="") as lines:
            yield from csv.DictReader(lines, delimiter=separator)

    return rows


def _json_lines(content: BinaryIO, path: Path) -> Iterator[Record]:
    with io.TextIOWrapper(content, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            record = _parsed(line, f"line {number} of {path}")
            if not isinstance(record, dict):
                raise TrainingError(f"line {number} of {path} is not a JSON object; correct it")
            yield record


def _json(content: BinaryIO, path: Path) -> Iterator[Record]:
    """Yield the records of one JSON value: a list of them, or lists of them by name.

    The name is in the column ``part``. A pair of texts is a text and its label.
    """
    whole = _parsed(content.read().decode("utf-8-sig"), str(path))
    parts = whole if isinstance(whole, dict) else {"": whole}
    for part, records in parts.items():
        for record in records if isinstance(records, list) else [None]:
            if isinstance(record, list) and len(record) == 2:
                yield {"part": part, "text": record[0], "label": record[1]}
            elif isinstance(record, dict):
                yield {"part": part, **record}
            else:
                raise TrainingError(
                    f"{path} is not a list of objects or of pairs of text and label, nor such "
                    "lists by name; write it as .jsonl"
                )


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrainingError(f"{where} is not JSON; correct it") from error


def _parquet(content: BinaryIO, path: Path) -> Iterator[Record]:
    try:
        # The extra may be missing, which is one sentence.
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise TrainingError(
            f"{path} is Parquet, which needs a package; install edgeroute[parquet]"
        ) from error
    try:
        with parquet.ParquetFile(content) as table:
            for batch in table.iter_batches(_AT_ONCE):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise OSError(type(error).__name__) from error


_Reader = Callable[[BinaryIO, Path], Iterator[Record]]
_READERS: Final[Mapping[str, _Reader]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
