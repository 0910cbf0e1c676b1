"""Sources of messages: files, and the generator."""

import hashlib
import json
import math
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from schemas.files.whole import sha256_of
from training import TrainingError
from training.config import Generated, Source
from training.data.formats import Record, records
from training.data.parts import Row
from training.generator import lines, messages, messages_of, turns

LONGEST_LABEL: Final = 256
"""Characters; the most that a bundle's manifest takes."""


@dataclass(frozen=True)
class Taken:
    """What a source gave: its messages, how many empty ones were passed over, and its hash.

    The hash is of the file's bytes, also of the file that the generator would make.
    """

    messages: list[Row]
    empty: int
    sha256: str


def name_of(source: Source) -> str:
    """Return the name for the card: that of the source or else of its folder, with its file's."""
    if source.generate is not None:
        made = f"{source.generate.messages:,} made-up messages, seed {source.generate.seed}"
        return f"{source.name}: {made}" if source.name else made
    path = _path(source)
    return f"{source.name or path.parent.name}/{path.name}"


def take(source: Source, seed: int, *, labelled: bool) -> Taken:
    """Return the source's messages; those of a source without labels have the label "".

    Raises `TrainingError` where the file or one of its records cannot serve.
    """
    kept: list[Row] = []
    empty = number = 0
    made = None if source.generate is None else _made(source.generate)
    given = records(_path(source)) if made is None else map(json.loads, made)
    for number, record in enumerate(given, start=1):
        if not _wanted(source, record):
            continue
        row = _row(source, record, number, labelled)
        if row is None:
            empty += 1
        else:
            kept.append(row)
    if not kept:
        raise TrainingError(
            f"{name_of(source)} has no usable messages among its {number} records; "
            "check the source's where, text and label"
        )
    if source.limit is not None and source.limit < len(kept):
        chosen = sorted(Random(seed).sample(range(len(kept)), source.limit))
        kept = [kept[index] for index in chosen]
    sha256 = (
        sha256_of(_path(source)) if made is None else hashlib.sha256(b"".join(made)).hexdigest()
    )
    return Taken(kept, empty, sha256)


def _path(source: Source) -> Path:
    assert source.path is not None  # the configuration sees to it: a file or the generator
    return source.path


def _wanted(source: Source, record: Record) -> bool:
    return all(
        _text(record.get(column)) in ((values,) if isinstance(values, str) else values)
        for column, values in source.where.items()
    )


def _row(source: Source, record: Record, number: int, labelled: bool) -> Row | None:
    """Return the record's message, or None for an empty one that is to be passed over."""
    columns = (source.text, source.label) if labelled else (source.text,)
    text, label = (*(_column(source, record, number, name) for name in columns), "")[:2]
    for column, value in zip(columns, (text, label), strict=False):
        if value:
            continue
        if source.empty == "skip" or not labelled:
            return None
        raise TrainingError(
            f"record {number} of {name_of(source)} has an empty {column!r}; "
            'correct it, or set empty = "skip" for that source'
        )
    if len(label) > LONGEST_LABEL or "\0" in label:
        raise TrainingError(
            f"record {number} of {name_of(source)} has no label but a text in {source.label!r}; "
            "name the column of the labels"
        )
    return Row(text, label, _group(source, record, number))


def _group(source: Source, record: Record, number: int) -> str | None:
    """Return the author or conversation. Those of sources of one name are the same ones."""
    column = "conversation_id" if source.generate and not source.group else source.group
    if column is None:
        return None
    group = _column(source, record, number, column)
    return f"{source.name or column}:{group}" if group else None


def _column(source: Source, record: Record, number: int, column: str) -> str:
    if column not in record:
        raise TrainingError(
            f"record {number} of {name_of(source)} has no {column!r}; "
            "name the source's columns with text, label and group"
        )
    return _text(record[column])


def _text(value: object) -> str:
    """Return the value in words; what a table has for nothing is nothing.

    Half a surrogate pair, which JSON can spell and UTF-8 cannot, becomes a question mark.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8").strip()


def _made(wanted: Generated) -> list[bytes]:
    """Return what ``edgeroute generate`` writes, with --labelled-only or with --posts."""
    draw, name = Random(wanted.seed), f"made{wanted.seed}"
    if wanted.kind == "messages":
        single = messages(draw, name, wanted.positive, wanted.negative)
        return list(lines(islice(single, wanted.messages), "jsonl", 0.0, draw))
    stream = messages_of(turns(draw, name), wanted.messages)
    said = (turn for turn in stream if turn.label is not None)
    return list(lines(said, "jsonl", 0.0, draw))
