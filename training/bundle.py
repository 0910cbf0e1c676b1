"""From two networks to a bundle: thresholds, probes, measurements, card and manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from router.complexity import complexity
from router.confidence import predictions
from router.engine import Engine
from router.tokenizer import Tokenizer
from schemas.bundle import (
    MANIFEST,
    TOKENIZER,
    Dataset,
    Manifest,
    Measured,
    Model,
    Models,
    Probe,
    System,
    Thresholds,
    version_of,
)
from training.card import card
from training.hardware import hardware, versions
from training.reliability import temperature
from training.sources import sha256_of
from training.straight import interval, logits_of, measure, retention, threshold

EDGE: Final = "edge.onnx"
CLOUD: Final = "cloud.onnx"
CARD: Final = "README.md"
OFFLINE_BASE: Final = "sentence-transformers/all-MiniLM-L6-v2"

_PROBES: Final = (
    "hi, can you help me with my order?",
    "My parcel was due on Monday and it still is not here.",
    "thanks, that fixed it!",
    "I have been charged twice for the same invoice. Please refund one of the payments.",
    "how do I change the email address on my account",
    "This is the third time I call about this. I want to speak to a manager now!",
    "ok",
    "The app closes by itself when I open the settings. I tried to install it again. No change.",
    "You have been very kind, I appreciate it 😊",
    "my number is 0049 170 555 0123, call me after 5 pm",
    "Cancel my subscription. I am furious. This is unacceptable and I will file a complaint.",
    "Ich habe mein Passwort vergessen und komme nicht mehr in mein Konto.",
)


@dataclass(frozen=True)
class Recipe:
    """How the bundle came to be; ``base`` is None for the packaged encoder."""

    name: str
    labels: tuple[str, ...]
    max_tokens: int
    target_edge_share: float
    audit_rate: float
    complexity_threshold: float
    base: str | None
    data_licence: str
    epochs: int
    learning_rate: float
    batch: int
    pieces: int
    seed: int


@dataclass(frozen=True)
class Held:
    """Held-out messages: their texts, token ids, and the index of each one's label."""

    texts: Sequence[str]
    tokens: Sequence[Sequence[int]]
    labels: Sequence[int]


@dataclass(frozen=True)
class _Network:
    engine: Engine
    temperature: float


def write_bundle(
    folder: Path,
    recipe: Recipe,
    tokenizer: Tokenizer,
    *,
    calibration: Held,
    judging: Held,
    split: str,
    data: tuple[Dataset, ...],
) -> Path:
    """Complete ``folder``, which holds the two networks and the tokenizer, and return it."""
    edge = _network(folder / EDGE, calibration)
    cloud = _network(folder / CLOUD, calibration)
    confidence, thresholds = _thresholds(edge, recipe, calibration)
    measured = _measured(edge, cloud, (confidence, thresholds), judging, split)
    probes = _probes(edge.engine, cloud.engine, tokenizer)
    models = Models(
        edge=(_model(EDGE, "student", edge.temperature, confidence),),
        cloud=_model(CLOUD, "teacher", cloud.temperature, 0.0),
    )
    base = recipe.base or OFFLINE_BASE
    base_licence = "see its source" if recipe.base else "Apache-2.0"
    licence = f"weights Apache-2.0, data {recipe.data_licence}, base encoder {base_licence}"
    content = card(
        name=recipe.name,
        base=base,
        licence=licence,
        labels=recipe.labels,
        models=models,
        thresholds=thresholds,
        measured=measured,
        data=data,
        how=_how(recipe),
    )
    (folder / CARD).write_text(content, encoding="utf-8")
    files = {name: sha256_of(folder / name) for name in (CARD, CLOUD, EDGE, TOKENIZER)}
    manifest = Manifest(
        version=2,
        bundle_version=version_of(
            recipe.name,
            files=files,
            models=models,
            thresholds=thresholds,
            labels=recipe.labels,
            max_tokens=recipe.max_tokens,
        ),
        labels=recipe.labels,
        max_tokens=recipe.max_tokens,
        models=models,
        thresholds=thresholds,
        probes=probes,
        measured=measured,
        data=data,
        base_model=base,
        licence=licence,
        created_at=datetime.now(UTC),
        files=files,
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return folder


def _network(path: Path, calibration: Held) -> _Network:
    engine = Engine.load(path, threads=1)
    return _Network(engine, temperature(logits_of(engine, calibration.tokens), calibration.labels))


def _scores(network: _Network, held: Held) -> tuple[list[float], list[float], NDArray[np.float32]]:
    """Return confidence and complexity of each message as the router computes them, and logits."""
    logits = logits_of(network.engine, held.tokens)
    names = [str(number) for number in range(network.engine.labels)]
    confidences = [share for _, share in predictions(logits, network.temperature, names)]
    complexities = [
        complexity(text, share).total for text, share in zip(held.texts, confidences, strict=True)
    ]
    return confidences, complexities, logits


def _model(file: str, tier: str, temperature_: float, threshold_: float) -> Model:
    return Model(file=file, tier=tier, kind="onnx", temperature=temperature_, threshold=threshold_)


def _thresholds(edge: _Network, recipe: Recipe, calibration: Held) -> tuple[float, Thresholds]:
    """Return the confidence from which the edge keeps, and the rest."""
    confidences, complexities, _ = _scores(edge, calibration)
    confidence = threshold(
        confidences,
        complexities,
        target=recipe.target_edge_share,
        audit_rate=recipe.audit_rate,
        complexity_threshold=recipe.complexity_threshold,
    )
    return confidence, Thresholds(
        complexity=recipe.complexity_threshold,
        audit_rate=recipe.audit_rate,
        target="edge_share",
        target_value=recipe.target_edge_share,
        chosen=(
            f"the highest confidence that leaves {recipe.target_edge_share:.1%} of "
            f"{len(calibration.texts)} held-out messages at the edge, after those above the "
            f"complexity threshold and an audit of {recipe.audit_rate:.1%}"
        ),
    )


def _measured(
    edge: _Network,
    cloud: _Network,
    chosen: tuple[float, Thresholds],
    judging: Held,
    split: str,
) -> Measured:
    confidences, complexities, edge_logits = _scores(edge, judging)
    cloud_logits = logits_of(cloud.engine, judging.tokens)
    confidence, thresholds = chosen
    truth = np.asarray(judging.labels)
    by_edge, by_cloud = edge_logits.argmax(axis=1), cloud_logits.argmax(axis=1)
    kept = (np.asarray(confidences) >= confidence) & (
        np.asarray(complexities) <= thresholds.complexity
    )
    kept &= np.random.default_rng(0).random(len(kept)) >= thresholds.audit_rate
    answer = np.where(kept, by_edge, by_cloud)
    right, edge_right, cloud_right = answer == truth, by_edge == truth, by_cloud == truth
    tokens, labels = judging.tokens, judging.labels
    share = float(kept.mean())
    return Measured(
        split=split,
        messages=len(judging.texts),
        networks={
            "student": measure(edge.engine, tokens, edge_logits, labels, edge.temperature),
            "teacher": measure(cloud.engine, tokens, cloud_logits, labels, cloud.temperature),
        },
        retentions=(retention("student", edge_right, "teacher", cloud_right),),
        system=System(
            edge_share=share,
            tier_shares={"student": share, "teacher": 1 - share},
            accuracy=float(right.mean()),
            accuracy_interval=interval(right),
            macro_f1=float(f1_score(truth, answer, average="macro")),
            kept_accuracy=float(edge_right[kept].mean()) if kept.any() else 0.0,
            retention=retention("system", right, "teacher", cloud_right),
        ),
        hardware=hardware(),
        versions=versions(),
    )


def _probes(edge: Engine, cloud: Engine, tokenizer: Tokenizer) -> tuple[Probe, ...]:
    return tuple(
        Probe(
            tokens=tuple(tokens),
            logits={
                "student": tuple(edge.logits([tokens])[0].tolist()),
                "teacher": tuple(cloud.logits([tokens])[0].tolist()),
            },
        )
        for tokens in tokenizer.encode(_PROBES)
    )


def _how(recipe: Recipe) -> str:
    return (
        f"Vocabulary cut to at most {recipe.pieces:,} pieces, {recipe.epochs} epochs, batches of "
        f"{recipe.batch}, learning rate {recipe.learning_rate:g} with 10 % warm-up and linear "
        f"decay, seed {recipe.seed}."
    )
