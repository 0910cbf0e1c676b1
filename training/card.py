"""The model card of a bundle, for people: Markdown with the front matter model hubs read."""

from collections.abc import Sequence
from typing import Final

from schemas.bundle import Dataset, Measure, Measured, Models, Thresholds

_NETWORKS: Final = (
    "Two ONNX networks with one tokenizer: `edge.onnx` with 8-bit weights answers most messages, "
    "`cloud.onnx` in full precision is for those that are escalated."
)
_LIMITS: Final = (
    "Labels do not travel well between kinds of text: judge the networks on your own messages, "
    "and train on them, before you rely on the answers. Messages in other languages than the "
    "training data's are labelled, but not well."
)


def card(  # noqa: PLR0913 - a card is about everything
    *,
    name: str,
    base: str,
    licence: str,
    labels: Sequence[str],
    models: Models,
    thresholds: Thresholds,
    measured: Measured,
    data: Sequence[Dataset],
    how: str,
) -> str:
    """Return the card's text."""
    return "\n".join(
        [
            *_front_matter(name, base, labels, measured),
            f"# {name}\n",
            f"Labels messages as {', '.join(labels)}. {_NETWORKS}\n",
            "## Made from\n",
            f"Base encoder `{base}`. {how}\n",
            *_table(("file", "used for", "rows", "SHA-256"), [_source(entry) for entry in data]),
            f"\nLicence: {licence}.\n",
            "## Measured\n",
            f"{_machine(measured)}\n",
            *_table(("", *(model.tier for model in models.all())), _figures(measured, models)),
            f"\n{_pairs(measured)}\n",
            "## Thresholds\n",
            f"{_kept(models, thresholds, measured)}\n",
            "## Limits\n",
            f"{_LIMITS}\n",
        ]
    )


def _machine(measured: Measured) -> str:
    return (
        f"On {measured.messages:,} messages ({measured.split}) that chose nothing; one thread, "
        f"{measured.hardware['processor']} ({measured.hardware['instructions']})."
    )


def _pairs(measured: Measured) -> str:
    return " ".join(
        f"The {pair.of} keeps {pair.share:.1%} of the accuracy of the {pair.against}, "
        f"{pair.interval.low:.1%} to {pair.interval.high:.1%}: it alone is right on "
        f"{pair.only_of_right} messages, the {pair.against} alone on {pair.only_against_right}."
        for pair in measured.retentions
    )


def _kept(models: Models, thresholds: Thresholds, measured: Measured) -> str:
    confidences = ", ".join(f"{model.tier} {model.threshold}" for model in models.edge)
    return (
        f"Kept at the edge: confidence at least {confidences}, complexity at most "
        f"{thresholds.complexity}, audited {thresholds.audit_rate:.1%}. The confidence is "
        f"{thresholds.chosen}. On the messages above that keeps {measured.system.edge_share:.1%}, "
        f"{measured.system.kept_accuracy:.1%} of them right."
    )


def _front_matter(name: str, base: str, labels: Sequence[str], measured: Measured) -> list[str]:
    return [
        "---",
        f"model_name: {name}",
        "license: apache-2.0",
        "library_name: onnx",
        "pipeline_tag: text-classification",
        f"base_model: {base}",
        f"tags: [{', '.join(['onnx', 'int8', *labels])}]",
        "model-index:",
        f"- name: {name}",
        "  results:",
        "  - task: {type: text-classification}",
        f"    dataset: {{name: {measured.split}, type: csv}}",
        "    metrics:",
        f"    - {{type: accuracy, value: {measured.system.accuracy:.4f}}}",
        f"    - {{type: f1, value: {measured.system.macro_f1:.4f}}}",
        "---",
    ]


def _figures(measured: Measured, models: Models) -> list[tuple[str, ...]]:
    columns = [_column(measured.networks[model.tier]) for model in models.all()]
    rows = [(label, *(column[label] for column in columns)) for label in columns[0]]
    return [*rows, ("temperature", *(str(model.temperature) for model in models.all()))]


def _column(measure: Measure) -> dict[str, str]:
    return {
        "accuracy": f"{measure.accuracy:.2%}",
        "macro-F1": f"{measure.macro_f1:.3f}",
        "latency alone, mean": f"{measure.latency_mean_ms:.2f} ms",
        "latency alone, p95": f"{measure.latency_p95_ms:.2f} ms",
        "messages a second, sorted batches of 16": f"{measure.messages_per_second:.0f}",
        "size": f"{measure.size_mb:.2f} MB",
        "calibration error before temperature": f"{measure.ece_before:.3f}",
        "calibration error after": f"{measure.ece_after:.3f}",
    }


def _source(entry: Dataset) -> tuple[str, ...]:
    return (entry.name, entry.use, f"{entry.rows:,}", f"`{entry.sha256}`")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
