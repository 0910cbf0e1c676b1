"""A record of a file, before anybody has asked what it means."""

from dataclasses import dataclass
from typing import Any


class FileError(Exception):
    """A file cannot be read; one sentence, with what to do about it."""


@dataclass(frozen=True, slots=True)
class Row:
    """The number of a record, its values or the rule that it breaks, and what stands there.

    Lines count from 1; a CSV record that spans several has the number of its last one. In JSON and
    Parquet it is the number of the record.
    """

    line: int
    values: dict[str, Any] | str
    raw: str
