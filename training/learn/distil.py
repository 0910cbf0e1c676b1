"""The student: a smaller network that learns to answer as the teacher does.

It learns from the teacher's logits, of messages with labels and without, so that text costs no
labelling, and from what the teacher's last layer holds at each token.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from schemas.files.whole import replacing
from training.data.parts import read_part, read_texts
from training.judge.agreement import Judges, judges
from training.learn.student import student_of
from training.learn.torch_loop import (
    Plan,
    Tokens,
    best_of,
    device,
    fit,
    half_precision,
    padded,
    predict,
    seed_everything,
)
from training.progress import bar
from training.run_folder import Metrics, Work, write_whole

LOGITS: Final = "teacher_logits.npz"
MODEL: Final = "model"
_PARTS: Final = ("train", "unlabelled", "validation")
_TYPICAL: Final = 512
"""Messages from which it is found which neurons matter."""
_CHUNK: Final = 2_048
"""Messages after which the bar moves on."""

Logits = NDArray[np.float32]


def run(work: Work) -> Metrics:
    """Write the student to `MODEL` and what the teacher says of each message to `LOGITS`.

    The latter holds float32 [messages, labels] for each of `_PARTS`, in the order of its file.
    """
    config, section = work.config, work.config.distil
    seed_everything(config.seed)
    transformers.logging.set_verbosity_error()
    held = judges(work, min(section.tokens, config.data.max_tokens))
    teacher = AutoModelForSequenceClassification.from_pretrained(work.of("teach") / MODEL)
    texts = _texts(work)
    tokens = {part: held.tokenizer.encode(texts[part]) for part in _PARTS}
    said = _answers(teacher, tokens, work)
    _save(said, work.folder / LOGITS)
    lessons = _lessons(tokens, said, section.unlabelled, config.seed)
    student = student_of(teacher, section.layers, section.intermediate, tokens["train"][:_TYPICAL])
    judged = _learn(student, teacher, lessons, _Judge(held, said["validation"], work), work)
    student.save_pretrained(work.folder / MODEL)
    return judged | {
        "messages": len(lessons.tokens),
        "weights": sum(weight.numel() for weight in student.parameters()),
        "teacher_weights": sum(weight.numel() for weight in teacher.parameters()),
    }


@dataclass(frozen=True)
class _Lessons:
    """Token ids, and what the teacher says of them, [messages, labels]."""

    tokens: Tokens
    logits: torch.Tensor


@dataclass(frozen=True)
class _Judge:
    """Says how near the student is to the teacher, and to the truth, on the validation messages."""

    held: Judges
    teacher: Logits
    work: Work

    def __call__(self, student: torch.nn.Module) -> float:
        guesses = predict(student, self.held.tokens).argmax(axis=1)
        agreement = float((guesses == self.teacher.argmax(axis=1)).mean())
        accuracy = float((guesses == self.held.labels).mean())
        score = (agreement + accuracy) / 2
        # The loop keeps the score alone across a kill, and of equal ones takes the first.
        known = {repr(score): {"agreement": agreement, "accuracy": accuracy}} | self.judgements()
        write_whole(self._file(), json.dumps(known))
        return score

    def judgements(self) -> dict[str, dict[str, float]]:
        """Return what was found in each epoch so far, by its score."""
        path = self._file()
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def _file(self) -> Path:
        return self.work.checkpoint / "judged.json"


def _texts(work: Work) -> dict[str, list[str]]:
    prepared = work.of("prepare")
    labelled = {part: read_part(prepared / f"{part}.jsonl") for part in ("train", "validation")}
    return {
        **{part: [row.text for row in rows] for part, rows in labelled.items()},
        "unlabelled": read_texts(prepared / "unlabelled.jsonl"),
    }


def _answers(teacher: torch.nn.Module, tokens: dict[str, Any], work: Work) -> dict[str, Logits]:
    """Return the teacher's logits of each part; kept in the checkpoint, they are computed once."""
    kept = work.checkpoint / LOGITS
    if kept.exists():
        with np.load(kept) as arrays:
            return {part: arrays[part] for part in _PARTS}
    where = device()
    teacher.to(where)
    chunks = [(part, start) for part in _PARTS for start in range(0, len(tokens[part]), _CHUNK)]
    said: dict[str, list[Logits]] = {part: [] for part in _PARTS}
    for part, start in bar(chunks, "asking the teacher", quiet=work.quiet):
        with half_precision(where):
            said[part].append(predict(teacher, tokens[part][start : start + _CHUNK]))
    empty = said["train"][0][:0]
    answers = {part: np.concatenate([empty, *rows]) for part, rows in said.items()}
    _save(answers, kept)
    return answers


def _save(answers: dict[str, Logits], path: Path) -> None:
    # NumPy dates its entries 1980: equal arrays give equal bytes.
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{name: answers[name] for name in _PARTS})


def _lessons(
    tokens: dict[str, Any], said: dict[str, Logits], most: int | None, seed: int
) -> _Lessons:
    """Join the labelled messages and at most ``most`` of the others, by chance."""
    others = list(range(len(tokens["unlabelled"])))
    if most is not None and most < len(others):
        others = sorted(random.Random(seed).sample(others, most))
    return _Lessons(
        [*tokens["train"], *(tokens["unlabelled"][index] for index in others)],
        torch.from_numpy(np.concatenate([said["train"], said["unlabelled"][others]])),
    )


def _learn(
    student: PreTrainedModel,
    teacher: torch.nn.Module,
    lessons: _Lessons,
    judge: _Judge,
    work: Work,
) -> Metrics:
    section = work.config.distil
    teacher.to(device())
    teacher.eval()

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        inputs = padded([lessons.tokens[index] for index in indices], device())
        wanted = lessons.logits[list(indices)].to(device())
        return _loss(student, teacher, inputs, wanted, section.hidden)

    plan = Plan(
        "the student", section.epochs, section.batch, section.learning_rate, work.config.seed
    )
    epochs = fit(
        student, list(map(len, lessons.tokens)), loss_of, lambda: judge(student), plan,
        work.checkpoint / "student.pt", work.quiet,
    )  # fmt: skip
    found = judge.judgements()
    teacher_right = float((judge.teacher.argmax(axis=1) == judge.held.labels).mean())
    best = found[repr(epochs[best_of(epochs)].score)]
    return {
        "said": (
            f"the student agrees with the teacher on {best['agreement']:.1%} "
            f"and is right on {best['accuracy']:.1%}, the teacher on {teacher_right:.1%}"
        ),
        **best,
        "teacher_accuracy": teacher_right,
        "retention": best["accuracy"] / teacher_right if teacher_right else 0.0,
        "best_epoch": best_of(epochs) + 1,
        "epochs": [{"loss": epoch.loss, **found[repr(epoch.score)]} for epoch in epochs],
    }


def _loss(
    student: torch.nn.Module,
    teacher: torch.nn.Module,
    inputs: dict[str, Any],
    wanted: torch.Tensor,
    hidden: float,
) -> torch.Tensor:
    """Return the squared distance of the logits, plus ``hidden`` times that of the last layers'."""
    answer = student(**inputs, output_hidden_states=hidden > 0)
    loss: torch.Tensor = (answer.logits.float() - wanted).square().mean()
    if not hidden:
        return loss
    with torch.no_grad():
        target = teacher(**inputs, output_hidden_states=True).hidden_states[-1].float()
    apart = (answer.hidden_states[-1].float() - target).square().mean(dim=-1)
    real = inputs["attention_mask"]
    # The first token stands for the message: it counts once more by itself.
    loss += hidden * ((apart * real).sum() / real.sum() + apart[:, 0].mean())
    return loss
