"""A classifier, taught in torch from a pretrained encoder."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import transformers
from rich.progress import Progress
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from training import TrainingError
from training.hardware import cpu_flags

WARM_UP: Final = 0.1
WEIGHT_DECAY: Final = 0.01
GRADIENT_LIMIT: Final = 1.0
_POOL: Final = 50
"""Batches are cut from pools of this many, sorted by length: little padding, and still shuffled."""

Tokens = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Lesson:
    """How to teach."""

    epochs: int
    batch: int
    learning_rate: float
    seed: int
    quiet: bool


@dataclass(frozen=True)
class Examples:
    """Token ids, and for each the index of its label."""

    tokens: Tokens
    labels: Sequence[int]


def seed_everything(seed: int) -> None:
    """Make Python, NumPy and torch repeat themselves on the same machine and versions."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries below draw from the global generator
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def base_tokenizer(base: str) -> str:
    """Return the tokenizer file of an encoder given by hub name or folder."""
    try:
        return str(AutoTokenizer.from_pretrained(base).backend_tokenizer.to_str())
    except Exception as error:  # a hub, a disk and a parser can fail here, each in its own way
        raise _no_base(base, error) from error


def trimmed_model(
    base: str, kept: Sequence[int], labels: Sequence[str], positions: int
) -> torch.nn.Module:
    """Return a classifier on ``base`` with only the ``kept`` pieces and ``positions`` positions."""
    transformers.logging.set_verbosity_error()
    names = dict(enumerate(labels))
    numbers = {name: number for number, name in names.items()}
    try:
        full = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=len(labels), id2label=names, label2id=numbers
        )
    except Exception as error:  # as above
        raise _no_base(base, error) from error
    config = AutoConfig.from_pretrained(base, num_labels=len(labels))
    config.id2label, config.label2id = names, numbers
    config.vocab_size, config.max_position_embeddings = len(kept), positions
    config.pad_token_id = 0
    weights = full.state_dict()
    for name, tensor in weights.items():
        if name.endswith("word_embeddings.weight"):
            weights[name] = tensor[list(kept)]
        elif name.endswith("position_embeddings.weight"):
            weights[name] = tensor[:positions]
    small: torch.nn.Module = AutoModelForSequenceClassification.from_config(config)
    small.load_state_dict(weights)
    return small


def teach(
    model: torch.nn.Module, training: Examples, calibration: Examples, lesson: Lesson
) -> list[float]:
    """Teach ``model`` in place, keep its best epoch, and return each epoch's accuracy.

    An epoch is judged on ``calibration``. The learning rate warms up over a tenth of the steps and
    falls in a line to nothing.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    chance = random.Random(lesson.seed)
    steps = lesson.epochs * math.ceil(len(training.tokens) / lesson.batch)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lesson.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, math.ceil(WARM_UP * steps), steps
    )
    accuracies: list[float] = []
    best: dict[str, torch.Tensor] = {}
    with Progress(disable=lesson.quiet) as progress:
        task = progress.add_task("teaching", total=steps)
        for _ in range(lesson.epochs):
            model.train()
            for indices in batches(training.tokens, lesson.batch, chance):
                _step(model, training, indices, optimizer, device)
                schedule.step()
                progress.advance(task)
            accuracies.append(_accuracy(model, calibration, device))
            progress.update(task, description=f"teaching ({accuracies[-1]:.1%} held out)")
            if accuracies[-1] == max(accuracies):
                best = {name: value.detach().clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best)
    model.to("cpu")
    return accuracies


def batches(tokens: Tokens, size: int, chance: random.Random) -> Iterator[list[int]]:
    """Yield every index once, in shuffled batches of texts of about the same length."""
    order = list(range(len(tokens)))
    chance.shuffle(order)
    cut: list[list[int]] = []
    for start in range(0, len(order), size * _POOL):
        pool = sorted(order[start : start + size * _POOL], key=lambda index: len(tokens[index]))
        cut.extend(pool[at : at + size] for at in range(0, len(pool), size))
    chance.shuffle(cut)
    yield from cut


def _step(
    model: torch.nn.Module,
    examples: Examples,
    indices: Sequence[int],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> None:
    inputs = _inputs([examples.tokens[index] for index in indices], device)
    inputs["labels"] = torch.tensor([examples.labels[index] for index in indices], device=device)
    with _half_precision(device):
        loss = model(**inputs).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_LIMIT)
    optimizer.step()
    optimizer.zero_grad()


def _accuracy(model: torch.nn.Module, examples: Examples, device: torch.device) -> float:
    model.eval()
    order = sorted(range(len(examples.tokens)), key=lambda index: len(examples.tokens[index]))
    right = 0
    with torch.inference_mode(), _half_precision(device):
        for start in range(0, len(order), 64):
            indices = order[start : start + 64]
            inputs = _inputs([examples.tokens[index] for index in indices], device)
            guesses = model(**inputs).logits.argmax(dim=1).tolist()
            right += sum(
                guess == examples.labels[index]
                for guess, index in zip(guesses, indices, strict=True)
            )
    return right / len(order)


def _inputs(tokens: Tokens, device: torch.device) -> dict[str, Any]:
    width = max(map(len, tokens))
    ids = torch.zeros((len(tokens), width), dtype=torch.long)
    mask = torch.zeros((len(tokens), width), dtype=torch.long)
    for row, sequence in enumerate(tokens):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def _half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Compute in bfloat16 where the hardware does; emulated, it is slower than single precision."""
    usable = device.type == "cuda" or "avx512_bf16" in cpu_flags()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=usable)


def _no_base(base: str, error: Exception) -> TrainingError:
    return TrainingError(
        f"the base encoder {base} cannot be loaded ({type(error).__name__}); "
        "name a folder with its files, or a hub model while online"
    )
