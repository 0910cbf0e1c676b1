"""The reflex tier, taught to say what the teacher says.

It starts from the student's own vectors of word pieces, which know words that are rare in the data:
the table of `router.reflex` is a projection of them plus a correction a piece, both learned.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import AutoModelForSequenceClassification

from router.confidence import probabilities
from router.reflex import BIAS_LIMIT, HEAD_LIMIT, TABLE_LIMIT, Reflex, Weights, write
from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER
from training import TrainingError, config, networks
from training.data.parts import read_labels, read_part, read_texts
from training.learn.distil import LOGITS, MODEL
from training.learn.torch_loop import Plan, Tokens, best_of, device, fit, seed_everything
from training.run_folder import Metrics, Work

FILE: Final = networks.REFLEX_FILE
CONFIDENT: Final = 0.7
"""The confidence at which the metrics say what would be kept, before any temperature."""
_FEWEST: Final = 16
_MOST: Final = 64
"""Channels, where the configuration does not say."""
_TIMED: Final = 64
"""Messages a batch, when timed."""

Floats = NDArray[np.float32]


def run(work: Work) -> Metrics:
    """Write `FILE`, unless the section's epochs are 0, and return how good and how fast it is."""
    section = work.config.reflex
    if section.epochs == 0:
        return {"said": "left out", "epochs": 0}
    seed_everything(work.config.seed)
    prepared = work.of("prepare")
    names = read_labels(prepared)
    numbers = {name: number for number, name in enumerate(names)}
    training, validation = (
        read_part(prepared / f"{part}.jsonl") for part in ("train", "validation")
    )
    unlabelled = read_texts(prepared / "unlabelled.jsonl")
    tokenizer = Tokenizer.load(prepared / TOKENIZER, work.config.data.max_tokens)
    tokens = tokenizer.encode([*(row.text for row in training), *unlabelled])
    held_out = tokenizer.encode([row.text for row in validation])
    teacher = _teacher(work.of("distil"), len(training), len(unlabelled), len(validation))
    known = np.array([numbers[row.label] for row in training], dtype=np.int64)
    right = np.array([numbers[row.label] for row in validation], dtype=np.int64)
    targets = targets_of(teacher["train"], teacher["unlabelled"], known, section.hard)
    network = Network(_vectors(work.of("distil") / MODEL), len(names), section)

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        logits = network([tokens[index] for index in indices])
        return functional.cross_entropy(logits, torch.from_numpy(targets[indices]).to(device()))

    def judge() -> float:
        tier = Reflex(work.folder / FILE, quantised(network))
        return -cross_entropy(tier.logits(held_out), right)

    plan = Plan(
        "the reflex", section.epochs, section.batch, section.learning_rate, work.config.seed
    )
    epochs = fit(
        network, list(map(len, tokens)), loss_of, judge, plan, work.checkpoint / "reflex.pt",
        work.quiet,
    )  # fmt: skip
    write(work.folder / FILE, quantised(network))
    tier = Reflex.load(work.folder / FILE)
    measured = _measured(tier, held_out, right, teacher["validation"])
    return {
        "said": (
            f"{measured['accuracy']:.1%} of the validation part right, and as the teacher on "
            f"{measured['agreement']:.1%}"
        ),
        "epochs": len(epochs),
        "best_epoch": best_of(epochs) + 1,
        "training_losses": [epoch.loss for epoch in epochs],
        "validation_losses": [-epoch.score for epoch in epochs],
        "bytes": tier.path.stat().st_size,
        **measured,
    }


def targets_of(
    labelled: Floats, unlabelled: Floats, known: NDArray[np.int64], hard: float
) -> Floats:
    """Return the probabilities to learn, the labelled messages first: the teacher's.

    ``labelled`` and ``unlabelled`` are its logits. Where a label is known, it has the share
    ``hard`` beside them.
    """
    soft = probabilities(np.concatenate([labelled, unlabelled]), 1.0)
    sure = np.eye(labelled.shape[1])[known]
    soft[: len(known)] = (1 - hard) * soft[: len(known)] + hard * sure
    return soft.astype(np.float32)


def cross_entropy(logits: Floats, right: NDArray[np.int64]) -> float:
    """Return the mean negative logarithm of the probability given to the ``right`` labels."""
    given = probabilities(logits, 1.0)[np.arange(len(right)), right]
    return float(-np.log(np.maximum(given, 1e-12)).mean())


class Network(torch.nn.Module):
    """What `router.reflex` computes, in real numbers and with gradients.

    ``vectors`` are a language model's for each piece, [pieces, width].
    """

    vectors: torch.Tensor

    def __init__(self, vectors: torch.Tensor, labels: int, section: config.Reflex) -> None:
        super().__init__()
        self.window = section.window
        self.channels = section.channels or min(max(_FEWEST, labels // 2), _MOST)
        self.dropout = section.dropout
        pieces, width = vectors.shape
        outputs = self.window * self.channels
        # What stands beyond the end of a message is one more piece, without a meaning of its own.
        known = torch.cat([vectors / vectors.std(), torch.zeros(1, width)])
        self.register_buffer("vectors", known, persistent=False)
        self.beyond = pieces
        spread = (width * self.window) ** -0.5
        self.projection = torch.nn.Parameter(spread * torch.randn(width, outputs))
        self.correction = torch.nn.Parameter(torch.zeros(pieces + 1, outputs))
        self.bias = torch.nn.Parameter(torch.zeros(self.channels))
        self.head = torch.nn.Linear(2 * self.channels, labels)

    def forward(self, tokens: Tokens) -> torch.Tensor:
        """Return the logits [messages, labels]."""
        lengths = torch.tensor([len(message) for message in tokens], device=self.bias.device)
        width = int(lengths.max())
        values = functional.relu(self._windows(self._padded(tokens, width), width))
        inside = torch.arange(width, device=lengths.device) < lengths[:, None]
        values = values * inside[:, :, None]
        roots = lengths.sqrt()[:, None]
        pooled = torch.cat([values.amax(dim=1), values.sum(dim=1) / roots], dim=1)
        logits: torch.Tensor = self.head(functional.dropout(pooled, self.dropout, self.training))
        return logits

    def table(self, pieces: torch.Tensor) -> torch.Tensor:
        """Return the numbers of these pieces: [pieces, window, channels]."""
        known = functional.embedding(pieces, self.vectors) @ self.projection
        values = known + functional.embedding(pieces, self.correction)
        return values.view(len(pieces), self.window, self.channels)

    def _padded(self, tokens: Tokens, width: int) -> torch.Tensor:
        ids = torch.full((len(tokens), width + self.window - 1), self.beyond)
        for row, message in enumerate(tokens):
            ids[row, : len(message)] = torch.tensor(message)
        if self.training:
            ids[torch.rand(ids.shape) < self.dropout] = self.beyond
        return ids.to(self.bias.device)

    def _windows(self, ids: torch.Tensor, width: int) -> torch.Tensor:
        # Each piece is looked up once a batch.
        pieces, places = ids.unique(return_inverse=True)
        table = self.table(pieces).flatten(1)
        numbers = functional.embedding(places, table).unflatten(2, (self.window, self.channels))
        values = self.bias.expand(len(ids), width, self.channels)
        for place in range(self.window):
            values = values + numbers[:, place : place + width, place]
        return values


def quantised(network: Network) -> Weights:
    """Return the network's weights as whole numbers: each channel and each label has its scale."""
    with torch.inference_mode(), torch.autocast(network.bias.device.type, enabled=False):
        everything = torch.arange(network.beyond + 1, device=network.bias.device)
        table = network.table(everything).double().cpu().numpy()
        bias = network.bias.double().cpu().numpy()
        head = network.head.weight.double().cpu().numpy().T
        offset = network.head.bias.cpu().numpy()
    unit = np.maximum(np.abs(table).max(axis=(0, 1)), np.abs(bias) * TABLE_LIMIT / BIAS_LIMIT)
    unit = np.where(unit > 0, unit, 1.0) / TABLE_LIMIT
    head = head.reshape(2, network.channels, -1) * unit[:, None]
    scale = np.abs(head).max(axis=(0, 1))
    scale = np.where(scale > 0, scale, 1.0) / HEAD_LIMIT
    return Weights(
        table=np.rint(table / unit).astype(np.int8),
        bias=np.rint(bias / unit).astype(np.int16),
        head=np.rint(head / scale).astype(np.int16),
        scale=scale.astype(np.float32),
        offset=offset.astype(np.float32),
    )


def _teacher(folder: Path, *counts: int) -> dict[str, Floats]:
    with np.load(folder / LOGITS) as archive:
        logits = {name: archive[name] for name in ("train", "unlabelled", "validation")}
    if [len(rows) for rows in logits.values()] != list(counts):
        raise TrainingError(
            "the teacher's logits are not of this data; remove the run's folder distil and go on"
        )
    return logits


def _vectors(model: Path) -> torch.Tensor:
    student = AutoModelForSequenceClassification.from_pretrained(model)
    weight: torch.Tensor = student.get_input_embeddings().weight.detach().float()
    return weight


def _measured(
    tier: Reflex, tokens: Tokens, right: NDArray[np.int64], teacher: Floats
) -> dict[str, float]:
    shares = probabilities(tier.logits(tokens), 1.0)
    guesses, kept = shares.argmax(axis=1), shares.max(axis=1) >= CONFIDENT
    correct = guesses == right
    return {
        "accuracy": float(correct.mean()),
        "agreement": float((guesses == teacher.argmax(axis=1)).mean()),
        "kept": float(kept.mean()),
        "kept_accuracy": float(correct[kept].mean()) if kept.any() else 1.0,
        "kept_teacher_accuracy": (
            float((teacher.argmax(axis=1) == right)[kept].mean()) if kept.any() else 1.0
        ),
        "microseconds": min(_timed(tier, tokens) for _ in range(3)),
    }


def _timed(tier: Reflex, tokens: Tokens) -> float:
    started = time.perf_counter()
    for start in range(0, len(tokens), _TIMED):
        tier.logits(tokens[start : start + _TIMED])
    return (time.perf_counter() - started) / len(tokens) * 1e6
