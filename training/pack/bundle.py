"""The last step: everything that was made and measured, packed into one folder with its card."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
    Thresholds,
    version_of,
)
from schemas.files.whole import sha256_of
from training import networks
from training.base_encoder import LICENCE, NAME
from training.config import TrainConfig
from training.data.parts import read_labels
from training.judge import benchmark
from training.judge.calibrate import Calibration, held
from training.judge.reliability import Bin as Counted
from training.judge.scores import Held, logits_of, scores
from training.pack import pictures
from training.pack.card import CARD, CURVE, PICTURES, Facts, card
from training.pack.hub import Licences, title_of
from training.run_folder import Metrics, Work, metrics_of, write_whole
from training.steps import STEPS

SHIPPED: Final[Mapping[str, str]] = {
    networks.REFLEX: "reflex.npz",
    networks.STUDENT: "student.onnx",
    networks.TEACHER: "teacher.onnx",
}
"""Of each tier its network's file in the bundle."""

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


def run(work: Work) -> Metrics:
    """Pack the bundle: networks, tokenizer, curve of thresholds, pictures, card and manifest.

    The networks' files are the same bytes whenever the run is; the manifest says when it was made.
    """
    found = Calibration.read(work)
    measured = benchmark.read(work)
    _copy(work)
    models = _models(found)
    labels = read_labels(work.of("prepare"))
    write_whole(work.folder / CURVE, _curve(found))
    _draw(work, found, measured, labels)
    data = json.loads((work.of("prepare") / "data.json").read_text(encoding="utf-8"))
    facts = _facts(work.config, models, found, measured, data, labels)
    write_whole(work.folder / CARD, card(facts, list(_findings(work))))
    manifest = _manifest(work, facts, measured)
    write_whole(work.folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
    return _metrics(work, manifest)


def _networks(work: Work) -> dict[str, Path]:
    """Return each tier's file in the run, in the order in which they are asked."""
    return {**networks.edge(work), networks.TEACHER: networks.cloud(work)}


def _copy(work: Work) -> None:
    for tier, file in _networks(work).items():
        shutil.copyfile(file, work.folder / SHIPPED[tier])
    shutil.copyfile(work.of("prepare") / TOKENIZER, work.folder / TOKENIZER)


def _models(found: Calibration) -> Models:
    *edge, cloud = (
        Model(
            file=SHIPPED[tier],
            tier=tier,
            kind="reflex" if tier == networks.REFLEX else "onnx",
            temperature=fitted.temperature,
            threshold=fitted.threshold,
        )
        for tier, fitted in found.tiers.items()
    )
    return Models(edge=tuple(edge), cloud=cloud)


def _thresholds(found: Calibration) -> Thresholds:
    return Thresholds(
        complexity=found.complexity,
        audit_rate=found.audit_rate,
        target=found.target,
        target_value=found.target_value,
        chosen=found.chosen,
    )


def _curve(found: Calibration) -> str:
    """Return all choices there were, and the one that was made, with what each does."""
    content = {
        "messages": found.messages,
        "choice": found.choice.model_dump(mode="json"),
        "curve": [point.model_dump(mode="json") for point in found.curve],
    }
    return json.dumps(content, indent=1) + "\n"


def _draw(work: Work, found: Calibration, measured: Measured, labels: Sequence[str]) -> None:
    folder = work.folder
    pictures.reliability(
        folder / PICTURES["reliability"][0],
        [
            pictures.Reliability(
                tier,
                _bins(fitted.judged.before.bins),
                _bins(fitted.judged.after.bins),
                fitted.judged.before.error,
                fitted.judged.after.error,
            )
            for tier, fitted in found.tiers.items()
        ],
    )
    choices = [pictures.Choice(point.edge_share, point.accuracy) for point in found.curve]
    choice = pictures.Choice(found.choice.edge_share, found.choice.accuracy)
    loss = found.choice.loss
    cloud_only = found.choice.accuracy / (1 - loss) if loss < 1 else 0.0
    pictures.kept(folder / PICTURES["kept"][0], choices, choice, cloud_only)
    counts = _confusion(work, found, len(labels))
    pictures.confusion(folder / PICTURES["confusion"][0], labels, counts)
    pictures.cost(folder / PICTURES["cost"][0], list(_spots(measured, list(found.tiers))))


def _bins(bins: Sequence[Counted]) -> list[pictures.Bin]:
    return [
        pictures.Bin(entry.confidence, entry.accuracy, entry.messages)
        for entry in bins
        if entry.confidence is not None and entry.accuracy is not None
    ]


def _confusion(work: Work, found: Calibration, labels: int) -> NDArray[np.int64]:
    """Return how many judging messages of each label (row) get which answer, before the audit."""
    messages = held(work, "judging")
    answers = np.empty(len(messages.truth), dtype=np.int64)
    left = np.arange(len(messages.truth))
    for tier, file in _networks(work).items():
        fitted, asked = found.tiers[tier], _part(messages, left)
        logits = logits_of(networks.load(file, threads=1), asked.tokens)
        said = scores(logits, fitted.temperature, asked, found.complexity)
        keeps = (said.keen >= fitted.threshold) | (tier == networks.TEACHER)
        answers[left[keeps]] = said.guesses[keeps]
        left = left[~keeps]
    counts = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(counts, (messages.truth, answers), 1)
    return counts


def _part(messages: Held, indices: NDArray[np.int64]) -> Held:
    chosen = indices.tolist()
    return Held(
        texts=[messages.texts[index] for index in chosen],
        tokens=[messages.tokens[index] for index in chosen],
        truth=messages.truth[indices],
        features=[messages.features[index] for index in chosen],
    )


def _spots(measured: Measured, tiers: Sequence[str]) -> Iterator[pictures.Spot]:
    """Yield a point for each network and for the system, which asks the tiers in turn."""
    for name, measure in measured.networks.items():
        interval = measure.accuracy_interval
        yield pictures.Spot(
            title_of(name), measure.latency_mean_ms, measure.accuracy, interval.low, interval.high
        )
    system, left, milliseconds = measured.system, 1.0, 0.0
    for tier in tiers:
        milliseconds += max(left, 0.0) * measured.networks[tier].latency_mean_ms
        left -= system.tier_shares.get(tier, 0.0)
    interval = system.accuracy_interval
    yield pictures.Spot(
        "system", milliseconds, system.accuracy, interval.low, interval.high, is_system=True
    )


def _facts(
    config: TrainConfig,
    models: Models,
    found: Calibration,
    measured: Measured,
    data: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> Facts:
    known = config.base is None
    return Facts(
        config=config,
        base=NAME if config.base is None else _public(config.base),
        licences=Licences(
            weights=config.licence,
            base=LICENCE if known else "see its source",
            data={entry["name"]: entry["licence"] for entry in data},
        ),
        labels=labels,
        models=models,
        thresholds=_thresholds(found),
        measured=measured,
        data=tuple(Dataset.model_validate(entry) for entry in data),
    )


def _public(base: str) -> str:
    """Return a hub's name as it is, and of a folder on this machine its own name alone."""
    return Path(base).resolve().name if Path(base).exists() else base


def _findings(work: Work) -> Iterator[str]:
    """Yield what the steps before say of themselves in a sentence."""
    for step in STEPS:
        if step.name != work.step and (said := metrics_of(work.of(step.name)).get("said")):
            yield f"{step.name}: {said}"


def _manifest(work: Work, facts: Facts, measured: Measured) -> Manifest:
    names = {CARD, CURVE, TOKENIZER, *(file for file, _ in PICTURES.values())}
    names |= {model.file for model in facts.models.all()}
    files = {name: sha256_of(work.folder / name) for name in sorted(names)}
    labels, max_tokens = tuple(facts.labels), work.config.data.max_tokens
    return Manifest(
        version=2,
        bundle_version=version_of(
            work.config.name,
            files=files,
            models=facts.models,
            thresholds=facts.thresholds,
            labels=labels,
            max_tokens=max_tokens,
        ),
        labels=labels,
        max_tokens=max_tokens,
        models=facts.models,
        thresholds=facts.thresholds,
        probes=tuple(_probes(work)),
        measured=measured,
        data=tuple(facts.data),
        base_model=facts.base,
        licence=facts.licences.sentence,
        created_at=datetime.now(UTC),
        files=files,
    )


def _probes(work: Work) -> Iterator[Probe]:
    tokenizer = Tokenizer.load(work.folder / TOKENIZER, work.config.data.max_tokens)
    loaded = {tier: networks.load(file, threads=1) for tier, file in _networks(work).items()}
    for tokens in tokenizer.encode(_PROBES):
        logits = {
            tier: tuple(network.logits([tokens])[0].tolist()) for tier, network in loaded.items()
        }
        yield Probe(tokens=tuple(tokens), logits=logits)


def _metrics(work: Work, manifest: Manifest) -> Metrics:
    sizes = {
        model.tier: (work.folder / model.file).stat().st_size / 1e6
        for model in manifest.models.all()
    }
    edge = sum(sizes[model.tier] for model in manifest.models.edge)
    cloud = sizes[manifest.models.cloud.tier]
    version = manifest.bundle_version
    return {
        "said": f"{version}, {edge:.1f} MB at the edge, {cloud:.1f} MB in the cloud",
        "bundle_version": version,
        "megabytes": sizes,
    }
