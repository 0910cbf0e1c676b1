"""Messages cleaned and taken apart, so that nothing learned from is judged by."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sklearn.model_selection import train_test_split

from training import TrainingError
from training.data.parts import Row, check_are_labels

_FOLDED: Final = (
    (re.compile(r"https?://\S+"), "http"),
    (re.compile(r"@\w+"), "@"),
)


@dataclass(frozen=True)
class Cleaned:
    """Rows with each text once, and how many rows went.

    ``repeated`` had been there before, with the same label. ``contradictory`` have a text that
    occurs with several labels and so teaches nothing.
    """

    rows: list[Row]
    repeated: int
    contradictory: int


def clean(rows: Sequence[Row]) -> Cleaned:
    """Return the rows without repetitions and contradictions; white space makes no difference."""
    labels: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Row] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        key = spaced(row.text)
        labels[key].add(row.label)
        first.setdefault(key, row)
        counts[key] += 1
    kept = [row for key, row in first.items() if len(labels[key]) == 1]
    contradictory = sum(counts[key] for key, found in labels.items() if len(found) > 1)
    return Cleaned(kept, len(rows) - len(kept) - contradictory, contradictory)


def spaced(text: str) -> str:
    """Return the text with single spaces."""
    return " ".join(text.split())


def folded(text: str) -> str:
    """Return what nearly the same texts share: case, white space, handles and links are gone."""
    for found, instead in _FOLDED:
        text = found.sub(instead, text)
    return spaced(text.casefold())


@dataclass(frozen=True)
class Seen:
    """What stands in parts that judge: texts, nearly the same ones, authors or conversations."""

    exact: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def and_of(self, rows: Iterable[Row]) -> "Seen":
        """Return it with what stands in these rows."""
        known = tuple(rows)
        return Seen(
            self.exact | {spaced(row.text) for row in known},
            self.near | {folded(row.text) for row in known},
            self.groups | {row.group for row in known if row.group},
        )


def unseen(rows: Iterable[Row], seen: Seen) -> tuple[list[Row], Counter[str]]:
    """Return the rows of which nothing was seen, and counts of the others by what was."""
    kept: list[Row] = []
    gone: Counter[str] = Counter(exact=0, near=0, group=0)
    for row in rows:
        if spaced(row.text) in seen.exact:
            gone["exact"] += 1
        elif folded(row.text) in seen.near:
            gone["near"] += 1
        elif row.group in seen.groups:
            gone["group"] += 1
        else:
            kept.append(row)
    return kept, gone


def divide(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Return the rows in two parts, shuffled, the second with about this share of them.

    An author's or conversation's messages stay together. The parts are stratified by label: by that
    of a row alone, and by the rarest one of a group, so that rare labels come to both parts.
    """
    units = _units(rows)
    strata = _strata(rows, units)
    kinds = len(set(strata))
    # As many of each as there are strata is the least that can be stratified.
    size = min(max(round(share * len(units)), kinds), len(units) - kinds)
    if size < 1:
        raise TrainingError(
            f"{len(units)} messages or conversations cannot be divided; add more data"
        )
    first, second = train_test_split(units, test_size=size, random_state=seed, stratify=strata)
    return _rows(rows, first), _rows(rows, second)


def check_enough(rows: Sequence[Row], needed: int) -> None:
    """Raise `TrainingError` unless there are two labels, each with enough groups or lone rows."""
    groups: dict[str, set[object]] = defaultdict(set)
    for number, row in enumerate(rows):
        groups[row.label].add(row.group or number)
    check_are_labels(groups, len(rows), "the labelled data")
    if len(groups) < 2:
        raise TrainingError(
            f"the labelled data has {len(groups)} label; a classifier needs at least two"
        )
    label, found = min(groups.items(), key=lambda item: (len(item[1]), item[0]))
    if len(found) < needed:
        raise TrainingError(
            f"label {label!r} has {len(found)} messages or conversations and needs {needed} to be "
            "in every part; add some, or take the label out"
        )


def check_labels(rows: Sequence[Row], known: Collection[str]) -> None:
    """Raise `TrainingError` where a held-out row has a label that is never learned."""
    unknown = {row.label for row in rows} - set(known)
    check_are_labels(unknown, len(rows), "held-out data")
    for label in sorted(unknown):
        raise TrainingError(
            f"held-out data has the label {label!r}, which the training data lacks; "
            "correct the label, or add messages with it"
        )


def needed(parts: int, share: float) -> int:
    """Return how many of a label leave at least one in each of ``parts`` halves of a share."""
    return max(2, math.ceil(round(parts / share, 6)))


def _units(rows: Sequence[Row]) -> list[list[int]]:
    """Return the numbers of the rows that stay together."""
    units: dict[object, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        units[row.group or number].append(number)
    return list(units.values())


def _strata(rows: Sequence[Row], units: Sequence[Sequence[int]]) -> list[str]:
    """Return each unit's rarest label, or the commonest where a stratum would have one unit."""
    counts = Counter(row.label for row in rows)
    rarest = [
        min((rows[number].label for number in unit), key=lambda label: (counts[label], label))
        for unit in units
    ]
    sizes = Counter(rarest)
    common = max(sizes, key=lambda label: (sizes[label], label), default="")
    return [label if sizes[label] > 1 else common for label in rarest]


def _rows(rows: Sequence[Row], units: Iterable[Sequence[int]]) -> list[Row]:
    return [rows[number] for unit in units for number in unit]
