"""Labelled messages: read, cleaned and split."""

import csv
import gzip
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from sklearn.model_selection import train_test_split

from training import TrainingError

HELD_OUT_SHARE: Final = 0.2
MINIMUM_PER_LABEL: Final = 2
"""Below this a stratified split leaves a label out of one of its parts."""


class Row(NamedTuple):
    """One message and its label."""

    text: str
    label: str


@dataclass(frozen=True)
class Parts:
    """Disjoint parts of the data, each with its own use.

    ``training`` is learned from. ``calibration`` picks the epoch, the temperatures and the
    threshold. ``judging`` is touched once, to report.
    """

    training: list[Row]
    calibration: list[Row]
    judging: list[Row]


def read_rows(path: Path, text_column: str, label_column: str) -> list[Row]:
    """Return the rows of a CSV or JSONL file, gzip allowed, without duplicates.

    A text that occurs with more than one label teaches nothing and is left out.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for number, record in enumerate(_records(path), start=1):
        text, label = record.get(text_column), record.get(label_column)
        for column, value in ((text_column, text), (label_column, label)):
            if value is None:
                raise TrainingError(
                    f"record {number} of {path} has no {column!r}; "
                    "name the columns with --text-column and --label-column"
                )
        if str(text).strip():
            labels[str(text).strip()].add(str(label))
    rows = [Row(text, next(iter(found))) for text, found in labels.items() if len(found) == 1]
    if not rows:
        raise TrainingError(f"{path} has no usable rows; it needs texts, each with one label")
    return rows


def separate(training: Sequence[Row], calibration: Sequence[Row], judging: Sequence[Row]) -> Parts:
    """Return the three parts without texts that an earlier one has, or labels never learned."""
    check_labels(training)
    labels = {row.label for row in training}
    seen = {row.text for row in training}
    fresh = [row for row in calibration if row.text not in seen and row.label in labels]
    seen |= {row.text for row in fresh}
    unseen = [row for row in judging if row.text not in seen and row.label in labels]
    if not fresh or not unseen:
        raise TrainingError(
            "no held-out row is both new and of a label in the training data; give other rows"
        )
    return Parts(training=list(training), calibration=fresh, judging=unseen)


def halve(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Return the rows in two parts, the second with ``share`` of them, stratified by label."""
    check_labels(rows)
    labels = [row.label for row in rows]
    first, second = train_test_split(
        list(rows), test_size=share, random_state=seed, stratify=labels
    )
    return list(first), list(second)


def check_labels(rows: Sequence[Row]) -> None:
    """Raise `TrainingError` unless there are two labels or more, each with enough rows."""
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        raise TrainingError(
            "one part of the data has a single label; a classifier needs at least two"
        )
    label, count = min(counts.items(), key=lambda item: (item[1], item[0]))
    if count < MINIMUM_PER_LABEL:
        raise TrainingError(
            f"label {label!r} has too few rows ({count}) to be in every part; add more or drop it"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _records(path: Path) -> Iterator[dict[str, object]]:
    name = path.name.removesuffix(".gz")
    try:
        with (
            gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw,
            io.TextIOWrapper(raw, encoding="utf-8", newline="") as lines,
        ):
            if name.endswith(".csv"):
                yield from csv.DictReader(lines)
            elif name.endswith((".jsonl", ".ndjson")):
                yield from _json_lines(lines, path)
            else:
                raise TrainingError(f"{path} is neither .csv nor .jsonl (.gz allowed); convert it")
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise TrainingError(f"{path} cannot be read as text ({type(error).__name__})") from error


def _json_lines(lines: Iterable[str], path: Path) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise TrainingError(f"line {number} of {path} is not JSON; correct it") from error
        if not isinstance(record, dict):
            raise TrainingError(f"line {number} of {path} is not a JSON object; correct it")
        yield record
