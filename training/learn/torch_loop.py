"""The torch side of training: a model made a learner, its numbers' precision, its padding."""

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from training.hardware import cpu_flags
from training.learn.schedule import Epoch, Plan, State, batches, best_of, learn

__all__ = [
    "Epoch", "Plan", "Tokens", "batches", "best_of", "device", "fit", "half_precision", "padded",
    "predict", "seed_everything",
]  # fmt: skip

_JUDGED: Final = 64
"""Messages a batch when nothing is learned."""

Tokens = Sequence[Sequence[int]]


def fit(
    model: torch.nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[Sequence[int]], torch.Tensor],
    judge: Callable[[], float],
    plan: Plan,
    checkpoint: Path,
    quiet: bool,
) -> list[Epoch]:
    """Train the weights of ``model`` that require gradients, in place; see `schedule.learn`.

    ``loss_of`` takes indices of examples and returns their mean loss, with inputs on `device()`; it
    may draw from torch's global generator, which is seeded anew before each call. ``judge`` says
    how good the model is, higher for better; the model is then in evaluation mode, under
    `torch.inference_mode` and `half_precision`. The model ends on the CPU, in evaluation mode.
    """
    model.to(device())
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    scaler = torch.amp.GradScaler(device().type, enabled=_precision(device()) == torch.float16)
    learner = _Learner(model, optimizer, scaler, loss_of, judge, plan.gradient_limit)
    epochs = learn(learner, lengths, plan, checkpoint, quiet=quiet)
    model.eval()
    model.to("cpu")
    return epochs


@dataclass
class _Learner:
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    loss_of: Callable[[Sequence[int]], torch.Tensor]
    judged: Callable[[], float]
    gradient_limit: float

    def step(self, indices: Sequence[int], rate: float, seed: int) -> float:
        # Seeded for each step, chance has no state that a checkpoint would have to carry.
        torch.manual_seed(seed)
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with half_precision(device()):
            loss = self.loss_of(indices)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self._learned(), self.gradient_limit)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        return float(loss.detach())

    def judge(self) -> float:
        self.model.eval()
        with torch.inference_mode(), half_precision(device()):
            return self.judged()

    def weights(self) -> State:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def load_weights(self, weights: State) -> None:
        self.model.load_state_dict(weights)

    def state(self) -> State:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: State) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])

    def _learned(self) -> Iterable[torch.nn.Parameter]:
        return [weight for group in self.optimizer.param_groups for weight in group["params"]]


def seed_everything(seed: int) -> None:
    """Make Python, NumPy and torch repeat themselves on the same machine and versions."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries below draw from the global generator
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def device() -> torch.device:
    """Return where models are trained: the first GPU, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision(where: torch.device) -> AbstractContextManager[object]:
    """Compute in 16 bits where the hardware does; emulated, it is slower than single precision."""
    precision = _precision(where)
    return torch.autocast(
        where.type, dtype=precision or torch.bfloat16, enabled=precision is not None
    )


def _precision(where: torch.device) -> torch.dtype | None:
    if where.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if "avx512_bf16" in cpu_flags() else None


def padded(tokens: Tokens, where: torch.device) -> dict[str, Any]:
    """Return a model's inputs for a batch: ids and attention mask, padded to the longest."""
    width = max(map(len, tokens))
    ids = torch.zeros((len(tokens), width), dtype=torch.long)
    mask = torch.zeros((len(tokens), width), dtype=torch.long)
    for row, sequence in enumerate(tokens):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return {"input_ids": ids.to(where), "attention_mask": mask.to(where)}


def predict(model: torch.nn.Module, tokens: Tokens) -> npt.NDArray[np.float32]:
    """Return the logits [messages, labels] of a classifier, in the order of ``tokens``.

    It computes where the model is, in single precision unless called under `half_precision`.
    """
    model.eval()
    where = next(model.parameters()).device
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    rows: list[torch.Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(order), _JUDGED):
            batch = [tokens[index] for index in order[start : start + _JUDGED]]
            rows.append(model(**padded(batch, where)).logits.float().cpu())
    logits = torch.cat(rows).numpy()
    unsorted = np.empty_like(logits)
    unsorted[order] = logits
    return unsorted
