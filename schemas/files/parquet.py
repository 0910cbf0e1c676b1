"""Rows of a Parquet file. Its library is the extra ``parquet``; nothing else needs it."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from schemas.files.row import FileError, Row

_AT_ONCE: Final = 1_000
"""Rows that are in memory together."""
_WORDS: Final = ("conversation_id", "language", "role", "text")
"""Fields that are text, though a table may keep an id as a number."""


def table_rows(file: Path) -> Iterator[Row]:
    """Yield the table's rows, numbered from 1; raise `FileError` where it cannot be read."""
    number = 0
    with _table(file) as table:
        for batch in table.iter_batches(_AT_ONCE):
            for values in batch.to_pylist():
                number += 1
                plain = {name: _plain(name, value) for name, value in values.items()}
                yield Row(number, plain, json.dumps(plain))


def length(file: Path) -> int:
    """Return how many rows there are; raise `FileError` where it cannot be read."""
    with _table(file) as table:
        return int(table.metadata.num_rows)


@contextmanager
def _table(file: Path) -> Iterator[Any]:
    try:
        # The extra may be missing, which is one sentence.
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise FileError(
            f"{file} is Parquet, which needs an extra: pip install -e '.[parquet]'."
        ) from None
    try:
        with parquet.ParquetFile(file) as table:
            yield table
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FileError(
            f"{file} cannot be read as Parquet ({type(error).__name__}): "
            "get the whole file, or give it the name of what it is."
        ) from error


def _plain(name: str, value: Any) -> Any:
    """Return the value as JSON has it; a missing number of a table is NaN."""
    if isinstance(value, list):
        return [_plain("", item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain("", item) for key, item in value.items()}
    if isinstance(value, float | int):
        return _number(name, value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if value is None or isinstance(value, str) else _named(value)


def _number(name: str, value: Any) -> Any:
    """A column of numbers with gaps is one of floats; an id may be kept as a number."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and value.is_integer() and name in {"turn", *_WORDS}:
        value = int(value)
    return str(value) if name in _WORDS and not isinstance(value, bool) else value


def _named(value: Any) -> str:
    """A moment in ISO 8601; a decimal, a duration and what else a table may hold as it prints."""
    return value.isoformat() if isinstance(value, date | time) else str(value)
