"""The model card of a bundle: Markdown for people, with the head that model hubs read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.claims import ACCURACY_KEPT, EDGE_SHARE, INFERENCE_MS, SAVING, SMALLER
from router.economics import Prices, saving_at
from schemas.bundle import (
    Dataset,
    Interval,
    Measure,
    Measured,
    Model,
    Models,
    Retention,
    Thresholds,
)
from training.config import TrainConfig
from training.pack.hub import Licences, head, judged, title_of

CARD: Final = "README.md"
CURVE: Final = "curve.json"
PICTURES: Final[Mapping[str, tuple[str, str]]] = {
    "reliability": (
        "reliability.png",
        "How often each tier is right at each confidence, before and after its temperature",
    ),
    "kept": ("kept.png", "Accuracy against the share of messages that the edge answers"),
    "confusion": ("confusion.png", "What the system takes for what"),
    "cost": ("cost.png", "Accuracy against milliseconds of inference a message"),
}
"""Of each picture its file in the bundle, and what it shows."""

_LIMITS: Final = (
    "Labels do not travel well between kinds of text: a network that is right on one company's "
    "messages can be wrong on another's. Judge it on messages of your own, and train on them, "
    "before you rely on its answers. Messages in other languages than the training data's are "
    "labelled too, but not well. Confidences are calibrated for text like the data below, and for "
    "no other. Nothing here is fit to decide about people without a person looking."
)
_TO_USE: Final = """```
edgeroute bundle verify FOLDER
EDGEROUTE_BUNDLE=FOLDER edgeroute run edge
edgeroute predict FOLDER messages.csv --out predictions.csv
```"""


@dataclass(frozen=True)
class Facts:
    """All that a card tells, but what the steps found out."""

    config: TrainConfig
    base: str
    licences: Licences
    labels: Sequence[str]
    models: Models
    thresholds: Thresholds
    measured: Measured
    data: Sequence[Dataset]


def card(facts: Facts, findings: Sequence[str]) -> str:
    """Return the card's text. ``findings`` are what the steps found out, a sentence each."""
    return "\n".join(
        [
            "---",
            _head(facts),
            "---",
            f"# {facts.config.name}\n",
            *_opening(facts),
            "## Intended use\n",
            f"{facts.config.purpose.strip() or _purpose(facts.labels)}\n",
            f"{_TO_USE}\n",
            "## Limits\n",
            f"{_LIMITS}\n",
            "## Measured\n",
            *_results(facts),
            "## Calibration and thresholds\n",
            *_calibration(facts),
            "## How it was made\n",
            *_making(facts, findings),
            "## Licences\n",
            *_licences(facts.licences),
        ]
    )


def accuracy_of(value: float, interval: Interval) -> str:
    """Return a share with its interval."""
    return f"{value:.2%} ({interval.low:.2%} to {interval.high:.2%})"


def _head(facts: Facts) -> str:
    data = facts.config.data
    sources = (*data.labelled, *data.held_out, *data.test, *data.unlabelled)
    return head(
        facts.config.name,
        facts.base,
        facts.licences.weights,
        list(dict.fromkeys(source.name for source in sources if source.name)),
        (judged(facts.data), facts.measured),
    )


def _opening(facts: Facts) -> list[str]:
    edge = " then ".join(f"`{model.file}` ({model.tier})" for model in facts.models.edge)
    cloud = facts.models.cloud
    pieces = facts.config.data.max_tokens
    return [
        (
            f"Labels messages as {_listed(facts.labels)}. The edge asks {edge}; the first that is "
            f"confident enough answers, and what none of them is sure of goes to `{cloud.file}` "
            f"({cloud.tier}) in the cloud. All of them read the word pieces of `tokenizer.json`, "
            f"at most {pieces} a message, and give the same logits to the bit whether a message "
            "comes alone or in a batch.\n"
        ),
    ]


def _purpose(labels: Sequence[str]) -> str:
    return f"For labelling messages like those it was trained on as {_listed(labels)}."


def _listed(labels: Sequence[str]) -> str:
    if len(labels) <= 12:
        return ", ".join(labels)
    return f"{', '.join(labels[:8])} and {len(labels) - 8} more (all are in `manifest.json`)"


def _results(facts: Facts) -> list[str]:
    measured = facts.measured
    hardware = measured.hardware
    machine = " with ".join(filter(None, map(hardware.get, ("processor", "instructions"))))
    return [
        (
            f"On {measured.messages:,} messages that chose nothing ({judged(facts.data)}). "
            "Intervals are of 95 %. By chance is the calibration error that a perfectly calibrated "
            f"network would show with them. Latencies are of one thread on {machine}.\n"
        ),
        *_table(
            ("", "accuracy", "macro-F1", "calibration error", "without temperature", "by chance"),
            [_quality(name, measure) for name, measure in measured.networks.items()],
        ),
        "",
        *_table(
            (
                "",
                "alone: mean",
                "p50",
                "p95",
                "messages a second",
                "to the cloud's",
                "size",
                "memory",
            ),
            [_speed(name, measured) for name in measured.networks],
        ),
        (
            "\nAlone is one message at a time. Messages a second are of batches of 16, sorted by "
            f"length, with {hardware.get('threads', '1')} threads; beside them is how much faster "
            "than the cloud's network that is. Memory is what loading a network and one batch adds "
            "to a fresh process.\n"
        ),
        *_system(facts.models, measured),
        *_pairs(measured),
        *_claims(facts),
        *_pictures(),
    ]


def _quality(name: str, measure: Measure) -> tuple[str, ...]:
    return (
        title_of(name),
        accuracy_of(measure.accuracy, measure.accuracy_interval),
        f"{measure.macro_f1:.3f}",
        f"{measure.ece_after:.3f}",
        f"{measure.ece_before:.3f}",
        "" if measure.ece_by_chance is None else f"{measure.ece_by_chance:.3f}",
    )


def _speed(name: str, measured: Measured) -> tuple[str, ...]:
    measure = measured.networks[name]
    return (
        title_of(name),
        f"{measure.latency_mean_ms:.3g} ms",
        f"{measure.latency_p50_ms:.3g} ms",
        f"{measure.latency_p95_ms:.3g} ms",
        f"{measure.messages_per_second:,.0f}",
        _times(measured, name),
        f"{measure.size_mb:.2f} MB",
        f"{measure.memory_mb:.0f} MB",
    )


def _times(measured: Measured, name: str) -> str:
    return f"{measured.faster[name]:.1f} ×" if name in measured.faster else ""


def _system(models: Models, measured: Measured) -> list[str]:
    system, speed = measured.system, measured.system.messages_per_second
    shares = ", ".join(
        f"{model.tier} {system.tier_shares.get(model.tier, 0.0):.1%}" for model in models.all()
    )
    return [
        "### The system\n",
        *_table(
            ("all tiers together, audit included", ""),
            [
                ("answered at the edge", f"{system.edge_share:.2%}"),
                ("answered by", shares),
                ("accuracy", accuracy_of(system.accuracy, system.accuracy_interval)),
                ("macro-F1", f"{system.macro_f1:.3f}"),
                ("accuracy of the edge on what it keeps", f"{system.kept_accuracy:.2%}"),
                (
                    "accuracy against cloud-only",
                    accuracy_of(system.retention.share, system.retention.interval),
                ),
                *([] if speed is None else [_edge_speed(measured, speed)]),
            ],
        ),
        "",
    ]


def _edge_speed(measured: Measured, speed: float) -> tuple[str, str]:
    beside = _times(measured, "system")
    return (
        "messages a second at the edge, from text",
        f"{speed:,.0f}" + (f", {beside} the cloud's network" if beside else ""),
    )


def _pairs(measured: Measured) -> list[str]:
    """Compare accuracies on the same messages."""
    rows = [_pair(entry) for entry in (*measured.retentions, measured.system.retention)]
    return [
        "### Accuracy kept, on the same messages\n",
        *_table(
            ("", "of the accuracy of", "share kept", "only first right", "only second", "p"), rows
        ),
        "\nThe interval is of a paired bootstrap, p of McNemar's exact test.\n",
    ]


def _pair(entry: Retention) -> tuple[str, ...]:
    return (
        title_of(entry.of),
        title_of(entry.against),
        accuracy_of(entry.share, entry.interval),
        f"{entry.only_of_right:,}",
        f"{entry.only_against_right:,}",
        f"{entry.p_value:.3f}",
    )


def _claims(facts: Facts) -> list[str]:
    """Set the article's claims beside what was measured, whatever the truth is."""
    system, networks = facts.measured.system, facts.measured.networks
    edge = [networks[model.tier] for model in facts.models.edge if model.tier in networks]
    cloud = networks.get(facts.models.cloud.tier)
    saving = saving_at(system.edge_share, Prices())
    rows = [
        ("answered at the edge", f"{EDGE_SHARE:.1%}", f"{system.edge_share:.1%}"),
        ("saved against cloud-only, at its prices", f"{SAVING:.1%}", f"{saving:.1%}"),
        ("accuracy kept", f"{ACCURACY_KEPT:.1%}", f"{system.retention.share:.1%}"),
    ]
    if edge:
        slowest = max(measure.latency_p95_ms for measure in edge)
        rows.append(
            ("inference at the edge, p95", f"under {INFERENCE_MS:.0f} ms", f"{slowest:.3g} ms")
        )
    if edge and cloud:
        edge_mb = sum(measure.size_mb for measure in edge)
        rows.append(_smaller("edge smaller than the cloud's network", edge_mb, cloud.size_mb))
        if whole := facts.measured.untrimmed_mb:
            rows.append(_smaller("and than that with its whole vocabulary", edge_mb, whole))
    return [
        "### Beside the article's claims\n",
        *_table(("", "claimed", "here"), rows),
        (
            "\nAt its own prices no split can save more than 92.6 %: an escalated message pays for "
            "the edge and for the cloud. The edge's size is that of all its tiers together.\n"
        ),
    ]


def _smaller(what: str, edge_mb: float, cloud_mb: float) -> tuple[str, str, str]:
    return what, f"{SMALLER:.0%}", f"{1 - edge_mb / cloud_mb:.1%}"


def _pictures() -> list[str]:
    return [f"![{said}]({file})\n" for file, said in PICTURES.values()]


def _calibration(facts: Facts) -> list[str]:
    thresholds = facts.thresholds
    return [
        *_table(
            ("tier", "file", "temperature", "calibration error", "before", "keeps from"),
            [_tier(model, facts) for model in facts.models.all()],
        ),
        (
            "\nA message stays at the edge with the first tier that is confident enough, where its "
            f"complexity is at most {thresholds.complexity:g}; {thresholds.audit_rate:.1%} of "
            "those go to the cloud at random, so that the edge's quality can be measured. The "
            "thresholds: "
            f"{thresholds.chosen}. Every choice there was is in `{CURVE}`.\n"
        ),
    ]


def _tier(model: Model, facts: Facts) -> tuple[str, ...]:
    measure = facts.measured.networks.get(model.tier)
    return (
        model.tier,
        f"`{model.file}`",
        f"{model.temperature:g}",
        "-" if measure is None else f"{measure.ece_after:.3f}",
        "-" if measure is None else f"{measure.ece_before:.3f}",
        "everything" if model.tier == facts.models.cloud.tier else f"{model.threshold:g}",
    )


def _making(facts: Facts, findings: Sequence[str]) -> list[str]:
    sections = [
        (name, ", ".join(f"{key} {_setting(value)}" for key, value in section.items()))
        for name, section in _sections(facts.config)
    ]
    versions = ", ".join(f"{name} {value}" for name, value in facts.measured.versions.items())
    hardware = "; ".join(f"{name}: {value}" for name, value in facts.measured.hardware.items())
    return [
        (
            f"From the encoder `{facts.base}`, by `edgeroute train` with these settings, seed "
            f"{facts.config.seed}:\n"
        ),
        *_table(("step", "settings"), sections),
        "",
        *(f"- {sentence}" for sentence in findings),
        *([""] if findings else []),
        *_table(("data", "used for", "messages", "SHA-256"), [_source(row) for row in facts.data]),
        f"\nMachine: {hardware}. Versions: {versions}.\n",
    ]


def _sections(config: TrainConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the settings of the data, without its sources, and of each step."""
    sources = {"labelled", "held_out", "test", "unlabelled"}
    for name, section in config.model_dump(mode="json", exclude={"data": sources}).items():
        if isinstance(section, dict):
            yield name, section


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "(" + " ".join(map(str, value)) + ")"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _source(entry: Dataset) -> tuple[str, ...]:
    return (entry.name, entry.use, f"{entry.rows:,}", f"`{entry.sha256[:16]}…`")


def _licences(licences: Licences) -> list[str]:
    rows = [("weights", licences.weights), ("base encoder", licences.base), *licences.data.items()]
    return [*_table(("what", "licence"), rows), ""]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
    ]


def _cell(text: str) -> str:
    """Keep a name from the user's data inside its cell."""
    return " ".join(text.split()).replace("|", "\\|")
