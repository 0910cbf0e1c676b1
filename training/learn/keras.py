"""The same lesson given in TensorFlow, in a process of its own: see `training.learn.keras_trainer`.

TensorFlow takes seconds to load, and from then on transformers uses it wherever it can; so the
process that trains in torch never loads it. The two share a folder: the classifier before and
after in torch's form, and the examples.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final

import numpy as np
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from training import TrainingError
from training.config import Teach
from training.learn.examples import Examples, Floats, Lesson
from training.learn.schedule import Epoch
from training.run_folder import write_whole

BEFORE: Final = "before"
AFTER: Final = "after"
TOLD: Final = "told.json"
LOGITS: Final = "logits.npy"
_LOG: Final = "tensorflow.log"
_ENVIRONMENT: Final = ("TF_USE_LEGACY_KERAS=1", "USE_TF=AUTO", "TF_CPP_MIN_LOG_LEVEL=2")
"""The Keras that transformers speaks, and transformers told to speak it."""
_PROGRAM: Final = """
import sys
sys.modules["triton"] = None
from training.learn.keras_trainer import main
main()
"""
"""Triton and TensorFlow each bring an LLVM, and a process that loads both crashes."""


@dataclass(frozen=True)
class TaughtInKeras:
    """The classifier in torch's form; TensorFlow's ``logits`` [messages, labels] of it."""

    model: PreTrainedModel
    epochs: tuple[Epoch, ...]
    logits: Floats


def teach_in_keras(
    model: PreTrainedModel,
    training: Examples,
    validation: Examples,
    lesson: Lesson,
    folder: Path,
) -> TaughtInKeras:
    """Teach from the weights of ``model`` on; the logits are those of ``validation``.

    ``folder`` holds what is exchanged and the checkpoints: a call that was killed goes on there.
    """
    if importlib.util.find_spec("tf_keras") is None:
        raise TrainingError(
            "the framework tensorflow is not installed; install edgeroute[tensorflow]"
        )
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder / BEFORE)
    _write_examples(training, folder / "training.npz")
    _write_examples(validation, folder / "validation.npz")
    how = {
        "labels": lesson.labels,
        "how": lesson.how.model_dump(),
        "seed": lesson.seed,
        "quiet": lesson.quiet,
    }
    write_whole(folder / "lesson.json", json.dumps(how))
    _run(folder)
    epochs = json.loads((folder / TOLD).read_text(encoding="utf-8"))["epochs"]
    return TaughtInKeras(
        AutoModelForSequenceClassification.from_pretrained(folder / AFTER),
        tuple(Epoch(*epoch) for epoch in epochs),
        np.load(folder / LOGITS),
    )


def read_lesson(folder: Path) -> Lesson:
    """Return what `teach_in_keras` was given."""
    content = json.loads((folder / "lesson.json").read_text(encoding="utf-8"))
    how = Teach.model_validate(content["how"])
    return Lesson(tuple(content["labels"]), how, content["seed"], content["quiet"])


def read_examples(path: Path) -> Examples:
    """Return what `teach_in_keras` was given."""
    with np.load(path) as content:
        pieces = content["pieces"].tolist()
        tokens = [pieces[start:end] for start, end in pairwise(content["starts"].tolist())]
        return Examples(tokens, content["targets"], content["weights"])


def _write_examples(examples: Examples, path: Path) -> None:
    starts = [0, *accumulate(examples.lengths)]
    pieces = [piece for tokens in examples.tokens for piece in tokens]
    np.savez(path, pieces=pieces, starts=starts, targets=examples.targets, weights=examples.weights)


def _run(folder: Path) -> None:
    """Run the trainer. It watches its standard input, and ends when this process does.

    It starts where this package lies, not in the folder that this process works in.
    """
    command = ("env", *_ENVIRONMENT, sys.executable, "-c", _PROGRAM, str(folder.resolve()))
    root = Path(__file__).parents[2]
    with (folder / _LOG).open("w", encoding="utf-8") as log:
        code = _end_of(command, root, log.fileno())
    if code:
        raise TrainingError(
            f"the TensorFlow trainer ended with code {code}; its last words are in {folder / _LOG}"
        )


def _end_of(command: Sequence[str], root: Path, log: int) -> int:
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stderr=log) as trainer:
        # Not communicate(), which would close its input, and so end it.
        return trainer.wait()
