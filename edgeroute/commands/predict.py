"""The command `predict`: what every tier says of the messages in a file, and the system."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from edgeroute.options import WRONG_USE, examples, fail, needs_file

if TYPE_CHECKING:
    from router.bundle import Bundle
    from router.engine import Network
    from router.policy import Answer, Policy
    from router.tokenizer import Tokenizer
    from schemas.bundle import Model

EPILOG: Final = examples(
    "edgeroute predict models/starter messages.csv --out predictions.csv",
    "edgeroute predict models/ours calls.parquet --text-column body --keep call_id --out out.csv",
)
_AT_ONCE: Final = 1_024
"""Records that are in memory together."""
_BATCH: Final = 16


class _Message(NamedTuple):
    """A record's text, what tells it from others, and the cells that are passed through."""

    text: str
    identity: str
    kept: list[str]


class _Tier(NamedTuple):
    model: "Model"
    network: "Network"


def predict(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder.", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(help="CSV, TSV, JSONL, JSON (plain or .gz) or Parquet.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="The CSV to write; an existing one is replaced.")],
    text_column: Annotated[str, typer.Option(help="Where the messages are.")] = "text",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to pass through, NEW=OLD to rename it; else id and those that end in "
            "_id. Repeatable."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Label a file of messages with every tier of a bundle, one row for each record.

    Label and calibrated confidence of each tier, then the tier whose answer the
    system would give, and that answer, by the bundle's own thresholds and audit.
    The first column passed through stands for the message in the audit's draw,
    the record's number where there is none.
    """
    from router.bundle import load_bundle

    needs_file(file)
    if out.is_dir() or not out.parent.is_dir():
        fail(f"{out} cannot be written: name a file in a folder that exists.", WRONG_USE)
    found = load_bundle(bundle)
    columns, messages = _messages(file, text_column, keep)
    rows = _rows(found, _bar(messages, file, quiet))
    count = _write(out, [*columns, *_heading(found)], rows)
    typer.echo(
        f"{out}: {count:,} messages, each with the answers of {found.manifest.bundle_version}"
    )


def _messages(
    file: Path, text_column: str, keep: list[str] | None
) -> tuple[list[str], Iterator[_Message]]:
    """Return the columns that are passed through, and the messages."""
    from training.data.formats import records

    read = enumerate(records(file), start=1)
    number, first = next(read, (0, None))
    if first is None:
        fail(f"{file} holds no records: there is nothing to predict.", WRONG_USE)
    named = [name for name in first if name == "id" or str(name).endswith("_id")]
    columns = _columns(keep) if keep is not None else {name: name for name in named}
    for column in (text_column, *columns.values()):
        if column not in first:
            fail(
                f"{file} has no column {column}: name its columns with --text-column and --keep.",
                WRONG_USE,
            )

    def messages() -> Iterator[_Message]:
        yield _message(first, number, text_column, [*columns.values()])
        for at, record in read:
            yield _message(record, at, text_column, [*columns.values()])

    return [*columns] or ["record"], messages()


def _columns(keep: list[str]) -> dict[str, str]:
    """Return what each column that is passed through is called here, and what in the file."""
    pairs = [(name, old or name) for name, _, old in (given.partition("=") for given in keep)]
    return dict(pairs)


def _message(record: "Any", number: int, text_column: str, columns: Sequence[str]) -> _Message:
    kept = [_cell(record.get(column)) for column in columns] or [str(number)]
    text = _cell(record.get(text_column))
    return _Message(text if text.strip() else "", kept[0] or str(number), kept)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _bar(messages: Iterator[_Message], file: Path, quiet: bool) -> Iterator[_Message]:
    """Show how many are done; how many there are is not known before they are read."""
    from rich.console import Console
    from rich.progress import (
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), disable=quiet
    ) as progress:
        yield from progress.track(messages, description=file.name, total=None)


def _heading(bundle: "Bundle") -> list[str]:
    tiers = [model.tier for model in bundle.manifest.models.all()]
    each = [f"{tier}_{what}" for tier in tiers for what in ("label", "confidence")]
    return [*each, "tier", "label"]


def _rows(bundle: "Bundle", messages: Iterator[_Message]) -> Iterator[list[str]]:
    """Yield each message's row; a message without text has none of the answers."""
    models = bundle.manifest.models.all()
    tokenizer = bundle.tokenizer()
    tiers = [_Tier(model, bundle.engine(model, threads=1)) for model in models]
    policy = _policy(bundle)
    while chunk := list(islice(messages, _AT_ONCE)):
        answers = iter(_answers(tiers, tokenizer, bundle.manifest.labels, chunk))
        for message in chunk:
            if not message.text:
                yield [*message.kept, *([""] * (2 * len(tiers) + 2))]
                continue
            said = next(answers)
            each = [cell for one in said for cell in (one.label, f"{one.confidence:.6f}")]
            final = _final(policy, message, said, bundle.manifest.bundle_version)
            yield [*message.kept, *each, final.tier, final.label]


def _policy(bundle: "Bundle") -> "Policy":
    from router.policy import recommended_policy

    manifest = bundle.manifest
    return recommended_policy(
        {model.tier: model.threshold for model in manifest.models.edge},
        manifest.thresholds.complexity,
        manifest.thresholds.audit_rate,
    )


def _answers(
    tiers: Sequence[_Tier],
    tokenizer: "Tokenizer",
    labels: Sequence[str],
    chunk: Sequence[_Message],
) -> Iterator[tuple["Answer", ...]]:
    """Yield the answers of all tiers for each message that has a text."""
    from router.policy import Answer

    tokens = tokenizer.encode([message.text for message in chunk if message.text])
    columns = [
        [Answer(tier.model.tier, label, share) for label, share in _predicted(tier, tokens, labels)]
        for tier in tiers
    ]
    yield from zip(*columns, strict=True)


def _predicted(
    tier: _Tier, tokens: Sequence[Sequence[int]], labels: Sequence[str]
) -> list[tuple[str, float]]:
    """Return label and confidence of each message, in order; batches are of similar length."""
    import numpy as np

    from router.confidence import predictions

    logits = np.empty((len(tokens), len(labels)), dtype=np.float32)
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    for start in range(0, len(order), _BATCH):
        indices = order[start : start + _BATCH]
        logits[indices] = tier.network.logits([tokens[index] for index in indices])
    return predictions(logits, tier.model.temperature, labels)


def _final(
    policy: "Policy", message: _Message, answers: Sequence["Answer"], version: str
) -> "Answer":
    """Return the answer that stands: that of the tier that keeps the message, else the cloud's."""
    from router.policy import decide

    *edge, cloud = answers
    decided = decide(
        policy,
        identity=message.identity,
        text=message.text,
        answers=edge,
        available=True,
        bundle_version=version,
    )
    if decided.route == "cloud":
        return cloud
    return next(answer for answer in edge if answer.tier == decided.verdict.tier)


def _write(out: Path, heading: Sequence[str], rows: Iterator[list[str]]) -> int:
    """Write the file whole or not at all, and return how many rows it has."""
    from schemas.files.whole import replacing

    count = 0
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(heading)
        for count, row in enumerate(rows, start=1):  # noqa: B007 - its last value is returned
            writer.writerow(row)
    return count
