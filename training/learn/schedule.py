"""How anything is trained here: epochs, rates, the best epoch, and going on after a kill.

It knows no framework. `learn` drives a `Learner`, which `training.learn.torch_loop` makes of a
torch model and `training.learn.keras` of a Keras one, so that both follow the same schedule over
the same batches.
"""

import math
import os
import pickle
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

CHECKPOINT_SECONDS = 60.0
"""An unfinished epoch is kept at least this often."""
_POOL: Final = 50
"""Batches are cut from pools of this many, sorted by length: little padding, and still shuffled."""

Schedule = Literal["plateau", "linear"]
State = dict[str, Any]
"""Tensors, numbers, texts, and lists and dictionaries of them: what `torch.load` can trust."""


@dataclass(frozen=True)
class Plan:
    """How to train. ``title`` is what the progress bar says.

    The learning rate rises in a line over the first ``warm_up`` of the steps. Then ``linear`` lets
    it fall in a line to nothing; ``plateau`` keeps it, halved after each epoch without progress.
    So many epochs as ``patience`` says without progress, in a row, end the training; 0 never do.
    """

    title: str
    epochs: int
    batch: int
    learning_rate: float
    seed: int
    schedule: Schedule = "linear"
    patience: int = 0
    warm_up: float = 0.1
    weight_decay: float = 0.01
    gradient_limit: float = 1.0


class Epoch(NamedTuple):
    """``loss`` is the mean of the epoch's batches, ``score`` what the judge said after it."""

    loss: float
    score: float


class Learner(Protocol):
    """A model in training."""

    def step(self, indices: Sequence[int], rate: float, seed: int) -> float:
        """Learn from these examples, drawing chance from ``seed`` alone; return their loss."""

    def judge(self) -> float:
        """Return how good the model is now, higher for better, without changing it."""

    def weights(self) -> State:
        """Return a copy of the weights."""

    def load_weights(self, weights: State) -> None:
        """Take these weights."""

    def state(self) -> State:
        """Return the weights and all else that the next step depends on."""

    def load_state(self, state: State) -> None:
        """Take what `state` returned."""


def learn(
    learner: Learner, lengths: Sequence[int], plan: Plan, checkpoint: Path, *, quiet: bool
) -> list[Epoch]:
    """Train to the plan's end, leave the best epoch's weights in ``learner``, return the epochs.

    ``lengths`` are the examples' in tokens. ``checkpoint`` is a file: a call that was killed goes
    on from it and ends with the same weights as one that was not, and a finished one is only
    loaded. A file of another plan or another number of examples is written over.
    """
    course = _Course(learner, lengths, plan, checkpoint)
    course.resume()
    with _bar(quiet) as bar:
        course.show(bar)
        while not over(course.epochs, plan):
            course.epoch()
    if course.best is not None:
        learner.load_weights(course.best)
    return course.epochs


def over(epochs: Sequence[Epoch], plan: Plan) -> bool:
    """Return whether the plan has run out of epochs or of patience."""
    if len(epochs) >= plan.epochs:
        return True
    stale = len(epochs) - 1 - best_of(epochs) if epochs else 0
    return 0 < plan.patience <= stale


def best_of(epochs: Sequence[Epoch]) -> int:
    """Return the number of the best epoch; the first of equals."""
    return max(range(len(epochs)), key=lambda number: epochs[number].score)


def rate(plan: Plan, step: int, steps: int, epochs: Sequence[Epoch]) -> float:
    """Return the learning rate of step number ``step`` of ``steps``, after these whole epochs."""
    warm = math.ceil(plan.warm_up * steps)
    if step < warm:
        return plan.learning_rate * (step + 1) / warm
    if plan.schedule == "linear":
        return plan.learning_rate * (steps - step) / max(1, steps - warm)
    return plan.learning_rate * 0.5 ** _without_progress(epochs)


def batches(lengths: Sequence[int], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Yield every index once, in shuffled batches of examples of about the same length."""
    order = list(range(len(lengths)))
    chance.shuffle(order)
    cut: list[list[int]] = []
    for start in range(0, len(order), size * _POOL):
        pool = sorted(order[start : start + size * _POOL], key=lambda index: lengths[index])
        cut.extend(pool[at : at + size] for at in range(0, len(pool), size))
    chance.shuffle(cut)
    yield from cut


def _without_progress(epochs: Sequence[Epoch]) -> int:
    return sum(
        epoch.score <= max(before.score for before in epochs[:number])
        for number, epoch in enumerate(epochs)
        if number
    )


@dataclass
class _Course:
    """A training under way: all of it but the learner, the data and the plan is in the file."""

    learner: Learner
    lengths: Sequence[int]
    plan: Plan
    checkpoint: Path
    epochs: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    """Of the batches of the unfinished epoch that are done."""
    best: State | None = None
    written: float = field(default_factory=time.monotonic)
    bar: tuple[Progress, TaskID] | None = None

    @property
    def per_epoch(self) -> int:
        return math.ceil(len(self.lengths) / self.plan.batch)

    def epoch(self) -> None:
        order = random.Random(f"{self.plan.seed} {len(self.epochs)}")
        steps = self.plan.epochs * self.per_epoch
        for number, indices in enumerate(batches(self.lengths, self.plan.batch, order)):
            if number < len(self.losses):
                continue
            step = len(self.epochs) * self.per_epoch + number
            now = rate(self.plan, step, steps, self.epochs)
            self.losses.append(self.learner.step(indices, now, self.plan.seed * 1_000_003 + step))
            self.advance()
            if time.monotonic() - self.written >= CHECKPOINT_SECONDS:
                self.write()
        score = self.learner.judge()
        self.epochs.append(Epoch(sum(self.losses) / len(self.losses), score))
        self.losses = []
        if best_of(self.epochs) == len(self.epochs) - 1:
            self.best = self.learner.weights()
        self.write()

    def write(self) -> None:
        content = {
            "of": _identity(self.plan, self.lengths),
            "epochs": [list(epoch) for epoch in self.epochs],
            "losses": self.losses,
            "best": self.best,
            "learner": self.learner.state(),
        }
        save(content, self.checkpoint)
        self.written = time.monotonic()

    def resume(self) -> None:
        content = _load(self.checkpoint)
        if content is None or content["of"] != _identity(self.plan, self.lengths):
            return
        self.epochs = [Epoch(*epoch) for epoch in content["epochs"]]
        self.losses = content["losses"]
        self.best = content["best"]
        self.learner.load_state(content["learner"])

    def show(self, bar: Progress) -> None:
        done = len(self.epochs) * self.per_epoch + len(self.losses)
        total = self.plan.epochs * self.per_epoch
        task = bar.add_task(self.plan.title, total=total, completed=done, note="")
        self.bar = bar, task

    def advance(self) -> None:
        if self.bar is not None:
            bar, task = self.bar
            recent = self.losses[-50:]
            note = f"loss {sum(recent) / len(recent):.3f}"
            if self.epochs:
                note += f", best {self.epochs[best_of(self.epochs)].score:.4f}"
            bar.update(task, advance=1, note=note)


def save(content: State, path: Path) -> None:
    """Write ``content`` so that a kill leaves the file before or the file after, and no part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        torch.save(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _load(path: Path) -> State | None:
    try:
        content: State = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
        return None
    return content


def _identity(plan: Plan, lengths: Sequence[int]) -> Mapping[str, Any]:
    return asdict(plan) | {"examples": len(lengths), "tokens": sum(lengths)}


def _bar(quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        disable=quiet,
    )
