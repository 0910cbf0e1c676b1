"""The first step: data read, cleaned and split, and the vocabulary that everything shares."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from training import TrainingError
from training.base_encoder import offline_base
from training.config import Data, Source
from training.data.parts import LABELS, Row, write_part, write_texts
from training.data.sources import Taken, name_of, take
from training.data.split import (
    Seen,
    check_enough,
    check_labels,
    clean,
    divide,
    needed,
    unseen,
)
from training.data.vocabulary import base_tokenizer, trim
from training.progress import bar
from training.run_folder import Metrics, Work, write_whole


@dataclass(frozen=True)
class Parts:
    """Disjoint parts of the labelled data, each with its own use.

    ``train`` is learned from, ``validation`` chooses epochs, ``calibration`` fits temperatures and
    thresholds, ``judging`` is touched once, to report. ``validation`` may be ``calibration``.
    """

    train: list[Row]
    validation: list[Row]
    calibration: list[Row]
    judging: list[Row]


@dataclass
class _Read:
    """Everything that was read of one kind of source, cleaned; and what to tell of it."""

    rows: list[Row]
    datasets: list[dict[str, Any]]
    told: Metrics


def run(work: Work) -> Metrics:
    """Write the parts, the unlabelled texts, the labels, the vocabulary and the names of the data.

    The files are those of `training.data.parts` and, beside them, ``labels.json`` (sorted),
    ``tokenizer.json``, ``kept.json`` (the old ids of its pieces) and ``data.json``.
    """
    data, seed = work.config.data, work.config.seed
    read = _read_all(work)
    parts, leaks = _parts(data, read, seed)
    labels = sorted({row.label for row in parts.train})
    texts, unlabelled_leaks = _unlabelled(read["unlabelled"].rows, parts)
    learned = [row.text for row in parts.train] + texts
    base = work.config.base or offline_base()
    vocabulary = trim(base_tokenizer(base), learned, data.pieces, quiet=work.quiet)
    for name, rows in vars(parts).items():
        write_part(work.folder / f"{name}.jsonl", rows)
    write_texts(work.folder / "unlabelled.jsonl", texts)
    for name, content in {
        LABELS: labels,
        "kept.json": vocabulary.kept,
        "data.json": [entry for kind in read.values() for entry in kind.datasets],
    }.items():
        write_whole(work.folder / name, json.dumps(content, ensure_ascii=False))
    write_whole(work.folder / "tokenizer.json", vocabulary.tokenizer)
    sizes = {name: len(rows) for name, rows in vars(parts).items()} | {"unlabelled": len(texts)}
    return {
        "said": _summary(sizes, len(labels)),
        "messages": sizes,
        "labels": {name: Counter(row.label for row in rows) for name, rows in vars(parts).items()},
        "cleaned": {name: kind.told for name, kind in read.items()},
        "left_out_as_seen_in_held_out": leaks | {"unlabelled": unlabelled_leaks},
        "pieces": {"kept": len(vocabulary.kept), "of": vocabulary.of},
    }


def _summary(sizes: dict[str, int], labels: int) -> str:
    return (
        f"{sizes['train']:,} messages of {labels} labels to learn from and "
        f"{sizes['unlabelled']:,} without a label, {sizes['calibration']:,} calibrate, "
        f"{sizes['judging']:,} judge"
    )


def _read_all(work: Work) -> dict[str, _Read]:
    data = work.config.data
    uses = {
        "labelled": "training",
        "held_out": "calibration" if data.test else "calibration and judging",
        "test": "judging",
        "unlabelled": "adapting and distilling, without labels",
    }
    if not data.labelled:
        raise TrainingError("there is no labelled data; name some under data.labelled")
    named = [(kind, source) for kind in uses for source in getattr(data, kind)]
    taken: dict[str, list[tuple[Source, Taken]]] = {kind: [] for kind in uses}
    for kind, source in bar(named, "reading", quiet=work.quiet):
        labelled = kind != "unlabelled"
        taken[kind].append((source, take(source, work.config.seed, labelled=labelled)))
    return {kind: _cleaned(found, uses[kind]) for kind, found in taken.items()}


def _cleaned(taken: Sequence[tuple[Source, Taken]], use: str) -> _Read:
    cleaned = clean([row for _, source in taken for row in source.messages])
    datasets = [
        {
            "name": name_of(source),
            "use": use,
            "rows": len(found.messages),
            "sha256": found.sha256,
            "licence": source.licence,
        }
        for source, found in taken
    ]
    told = {
        "read": sum(len(found.messages) for _, found in taken),
        "empty": sum(found.empty for _, found in taken),
        "repeated": cleaned.repeated,
        "contradictory": cleaned.contradictory,
    }
    return _Read(cleaned.rows, datasets, told)


def _parts(data: Data, read: dict[str, _Read], seed: int) -> tuple[Parts, Metrics]:
    """Split what is not given, then take from each part what one that judges it holds."""
    labelled = read["labelled"].rows
    held_out, test = read["held_out"].rows, read["test"].rows
    check_enough(labelled, 2 if held_out else needed(1 if test else 2, data.held_out_share))
    if not held_out:
        labelled, held_out = divide(labelled, data.held_out_share, seed)
    calibration, judging = (held_out, test) if test else divide(held_out, 0.5, seed)
    train, validation = list(labelled), list[Row]()
    Random(seed).shuffle(train)
    if data.validation_share:
        train, validation = divide(train, data.validation_share, seed)
    seen, leaks = Seen(), {}
    kept: dict[str, list[Row]] = {}
    for name, rows in (
        ("judging", judging),
        ("calibration", calibration),
        ("validation", validation),
        ("train", train),
    ):
        kept[name], leaks[name] = unseen(rows, seen)
        seen = seen.and_of(kept[name])
    if not data.validation_share:
        kept["validation"] = kept["calibration"]
    parts = Parts(**kept)
    _check(parts)
    return parts, leaks


def _check(parts: Parts) -> None:
    for name, rows in vars(parts).items():
        if not rows:
            raise TrainingError(
                f"no messages are left for {name} that no other part has; give other data for it"
            )
    known = {row.label for row in parts.train}
    check_labels([*parts.validation, *parts.calibration, *parts.judging], known)


def _unlabelled(rows: Sequence[Row], parts: Parts) -> tuple[list[str], Metrics]:
    """Return the texts that stand in no other part, nor, nearly the same, in one that judges."""
    judges = Seen().and_of(_all(parts.judging, parts.calibration, parts.validation))
    kept, gone = unseen(rows, judges)
    trained = Seen().and_of(parts.train).exact
    fresh, known = unseen(kept, Seen(exact=trained))
    return [row.text for row in fresh], {**gone, "in_train": known["exact"]}


def _all(*parts: Sequence[Row]) -> Iterator[Row]:
    for part in parts:
        yield from part
