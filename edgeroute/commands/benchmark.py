"""The command `benchmark`: a finished bundle, measured on a file of labelled messages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import examples, fail, needs_file

if TYPE_CHECKING:
    from router.bundle import Bundle
    from schemas.bundle import Manifest, Measured
    from training.judge.benchmark import Field
    from training.judge.scores import Held

FAILED: Final = 1
SEED: Final = 42
EPILOG: Final = examples(
    "edgeroute benchmark models/starter messages.csv",
    "edgeroute benchmark models/ours valid.csv.gz --label-column sentiment --examples 200",
    "edgeroute benchmark models/ours test.jsonl --json | jq .measured.system",
)


def benchmark(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder.", show_default=False)],
    data: Annotated[
        Path,
        typer.Argument(help="Labelled CSV, JSONL or Parquet, .gz allowed.", show_default=False),
    ],
    text_column: Annotated[str, typer.Option(help="Where the messages are.")] = "text",
    label_column: Annotated[str, typer.Option(help="Where the labels are.")] = "label",
    examples: Annotated[
        int, typer.Option(min=1, help="Messages that are timed; accuracies are of all.")
    ] = 500,
    threads: Annotated[
        int, typer.Option(min=1, help="Of a network that works on batches; alone it has one.")
    ] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Measure a bundle on messages of your own, beside what the article claims.

    Accuracy with its interval, latency, throughput, size and memory of every
    tier; what the edge keeps of the cloud's accuracy; and the system of all,
    audit included. Needs the train extra.
    """
    from router.bundle import load_bundle

    needs_file(data)
    loaded = load_bundle(bundle)
    measured = _measured(loaded, data, (text_column, label_column), (examples, threads), as_json)
    manifest = loaded.manifest.model_copy(update={"measured": measured})
    if as_json:
        typer.echo(json.dumps(_content(manifest), indent=2))
        return
    from rich.console import Console

    from edgeroute.report import bundles

    bundles.show_measured(manifest, Console())


def _measured(
    bundle: "Bundle", data: Path, columns: tuple[str, str], extent: tuple[int, int], quiet: bool
) -> "Measured":
    try:
        from training.judge.benchmark import Plan, benchmark, laps
    except ModuleNotFoundError as error:
        fail(
            f"Measuring needs the package {error.name}, which is not installed; "
            "install edgeroute[train].",
            FAILED,
        )
    field = _field(bundle)
    messages = _messages(bundle, field, data, columns)
    examples, threads = extent
    plan = Plan(examples=examples, warm_up=10, threads=threads, seed=SEED)
    return _with_bar(
        lambda advance: benchmark(field, messages, plan, data.name, advance), laps(field), quiet
    ).model_copy(update={"untrimmed_mb": bundle.manifest.measured.untrimmed_mb})


def _field(bundle: "Bundle") -> "Field":
    from router.policy import recommended_policy
    from training.judge.benchmark import Entrant, Field

    manifest = bundle.manifest
    for model in manifest.models.all():
        bundle.engine(model, threads=1)
    return Field(
        entrants={
            model.tier: Entrant(bundle.folder / model.file, model.temperature)
            for model in manifest.models.all()
        },
        policy=recommended_policy(
            {model.tier: model.threshold for model in manifest.models.edge},
            manifest.thresholds.complexity,
            manifest.thresholds.audit_rate,
        ),
        cloud=manifest.models.cloud.tier,
        labels=manifest.labels,
        tokenizer=bundle.tokenizer(),
    )


def _messages(bundle: "Bundle", field: "Field", data: Path, columns: tuple[str, str]) -> "Held":
    from training.config import Source
    from training.data.sources import take
    from training.judge.scores import held_out

    text, label = columns
    source = Source(path=data, text=text, label=label, empty="skip")
    rows = take(source, SEED, labelled=True).messages
    return held_out(
        [(row.text, row.label) for row in rows], bundle.manifest.labels, field.tokenizer
    )


def _with_bar(
    work: Callable[[Callable[[], None]], "Measured"], steps: int, quiet: bool
) -> "Measured":
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=steps)
        return work(lambda: bar.advance(task))


def _content(manifest: "Manifest") -> dict[str, object]:
    from edgeroute.report.claims import measured_claims

    return {
        "bundle_version": manifest.bundle_version,
        "measured": manifest.measured.model_dump(mode="json"),
        "claims": [claim.model_dump() for claim in measured_claims(manifest)],
    }
