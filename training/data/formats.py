"""Records of a file of messages, whatever its form."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.files.reading import KINDS, kind_of, rows
from schemas.files.row import FileError
from training import TrainingError

Record = Mapping[str, Any]


def records(path: Path) -> Iterator[Record]:
    """Yield the file's records. Its name says the form; its columns are as they come.

    Raises `TrainingError` where it or one of its records cannot be read.
    """
    if kind_of(path) not in KINDS:
        raise TrainingError(
            f"{path} is neither .csv, .tsv, .jsonl, .ndjson, .json nor .parquet "
            "(.gz allowed); convert it"
        )
    try:
        for row in rows(path):
            if isinstance(row.values, str):
                raise TrainingError(
                    f"line {row.line} of {path} cannot be used, since {row.values}; correct it"
                )
            yield row.values
    except FileError as error:
        raise TrainingError(str(error).removesuffix(".")) from error
