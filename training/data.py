"""The files that `prepare` leaves for the other steps: rows with a label, and texts without."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from training.work import write_whole


class Row(NamedTuple):
    """A message, its label, and whom or what conversation it comes from, where that is known.

    A message of unlabelled data has the label "" until it is written.
    """

    text: str
    label: str
    group: str | None = None


def read_part(path: Path) -> list[Row]:
    """Return the rows of a part with labels."""
    return [Row(row["text"], row["label"], row.get("group")) for row in _lines(path)]


def read_texts(path: Path) -> list[str]:
    """Return the texts of a part, with labels or without."""
    return [row["text"] for row in _lines(path)]


def write_part(path: Path, rows: Iterable[Row]) -> None:
    """Write rows with labels, each as one line."""
    _write(path, ({key: value for key, value in row._asdict().items() if value} for row in rows))


def write_texts(path: Path, texts: Sequence[str]) -> None:
    """Write texts alone, each as one line."""
    _write(path, ({"text": text} for text in texts))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _write(path: Path, records: Iterable[dict[str, str]]) -> None:
    write_whole(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
