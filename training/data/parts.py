"""The files that `prepare` leaves for the other steps: rows with a label, and texts without."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from training import TrainingError
from training.run_folder import write_whole

LABELS: Final = "labels.json"
"""The labels, sorted: their order everywhere, from the logits of a teacher to a manifest."""
_FEW: Final = 10
"""Labels that may be as many as there are messages."""


class Row(NamedTuple):
    """A message, its label, and whom or what conversation it comes from, where that is known.

    A message of unlabelled data has the label "" until it is written.
    """

    text: str
    label: str
    group: str | None = None


def read_labels(prepared: Path) -> tuple[str, ...]:
    """Return the labels in the order of every network's outputs."""
    return tuple(json.loads((prepared / LABELS).read_text(encoding="utf-8")))


def check_are_labels(labels: Collection[str], messages: int, of: str) -> None:
    """Raise `TrainingError` where the number of labels shows that they are texts.

    Else what is said of a label next would say a message's text. ``of`` says whose they are.
    """
    if len(labels) > max(_FEW, messages / 2):
        raise TrainingError(
            f"{of} has {len(labels)} unlike labels in {messages} messages, which are texts by the "
            "look of it; name the column of the labels"
        )


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
