"""The classifier, taught from the encoder in two stages: its head alone, then all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import transformers
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER
from training.data.parts import read_labels, read_part
from training.judge.significance import retention
from training.learn.adapt import ENCODER, PLAIN
from training.learn.examples import Examples, Lesson, examples, plans, weighed
from training.learn.keras import teach_in_keras
from training.learn.torch_loop import Epoch, device, fit, padded, predict, seed_everything
from training.run_folder import Metrics, Work

MODEL: Final = "model"


@dataclass(frozen=True)
class Taught:
    """A classifier on the CPU with its best weights, and the epochs of both stages.

    ``difference`` is the largest between its logits and those of the framework that taught it.
    """

    model: PreTrainedModel
    epochs: tuple[Epoch, ...]
    difference: float = 0.0


def run(work: Work) -> Metrics:
    """Write the teacher to `MODEL`, taught from whichever encoder does no worse."""
    config, prepared, encoders = work.config, work.of("prepare"), work.of("adapt")
    seed_everything(config.seed)
    labels = read_labels(prepared)
    tokens = min(config.teach.tokens, config.data.max_tokens)
    tokenizer = Tokenizer.load(prepared / TOKENIZER, tokens)
    training = examples(tokenizer, labels, read_part(prepared / "train.jsonl"))
    validation = examples(tokenizer, labels, read_part(prepared / "validation.jsonl"))
    lesson = Lesson(labels, config.teach, config.seed, work.quiet)
    names = [name for name in (ENCODER, PLAIN) if (encoders / name).is_dir()]
    taught = [
        teach(encoders / name, training, validation, lesson, work.checkpoint / name)
        for name in names
    ]
    right = [_right(one.model, validation) for one in taught]
    chosen, compared = compared_by(right)
    taught[chosen].model.save_pretrained(work.folder / MODEL)
    accuracy = float(right[chosen].mean())
    return {
        "said": f"{accuracy:.1%} of the validation part right{in_words(compared)}",
        "framework": config.teach.framework,
        "accuracy": accuracy,
        "largest_logit_difference_of_frameworks": taught[chosen].difference,
        "epochs": [epoch._asdict() for epoch in taught[chosen].epochs],
        **compared,
    }


def teach(
    encoder: Path, training: Examples, validation: Examples, lesson: Lesson, checkpoint: Path
) -> Taught:
    """Return a classifier on the encoder in a folder; the best epoch on ``validation`` counts.

    ``checkpoint`` is a folder: a call that was killed goes on from what it holds.
    """
    model = classifier(encoder, lesson.labels, lesson.seed)
    training = weighed(training) if lesson.how.class_weights else training
    if lesson.how.framework == "torch":
        return _in_torch(model, training, validation, lesson, checkpoint)
    taught = teach_in_keras(model, training, validation, lesson, checkpoint)
    difference = np.abs(predict(taught.model, validation.tokens) - taught.logits).max()
    return Taught(taught.model, taught.epochs, float(difference))


def classifier(encoder: Path, labels: Sequence[str], seed: int) -> PreTrainedModel:
    """Return the encoder in a folder with a new, random head for these labels."""
    transformers.logging.set_verbosity_error()
    torch.manual_seed(seed)
    names = dict(enumerate(labels))
    model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
        encoder,
        num_labels=len(labels),
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    return model


def compared_by(right: Sequence[npt.NDArray[np.bool_]]) -> tuple[int, Metrics]:
    """Return which classifier to keep, given where each is right, and the comparison's numbers.

    The first is the adapted one where there are two. It stays unless it has fewer right answers;
    ``p_value`` is of McNemar's exact test.
    """
    if len(right) == 1:
        return 0, {}
    adapted, plain = right
    kept = 0 if adapted.sum() >= plain.sum() else 1
    numbers = retention("adapted", adapted, "plain", plain)
    return kept, {
        "adaptation": {
            "kept": kept == 0,
            "accuracy_adapted": float(adapted.mean()),
            "accuracy_plain": float(plain.mean()),
            "only_adapted_right": numbers.only_of_right,
            "only_plain_right": numbers.only_against_right,
            "p_value": numbers.p_value,
        }
    }


def in_words(compared: Metrics) -> str:
    """Return, in words, whether the adapted encoder was kept, and why."""
    if not compared:
        return ""
    found = compared["adaptation"]
    kept = "kept" if found["kept"] else "given up"
    return (
        f"; the adaptation was {kept}: {found['accuracy_adapted']:.2%} with it and "
        f"{found['accuracy_plain']:.2%} without, p {found['p_value']:.2f}"
    )


def _in_torch(
    model: PreTrainedModel,
    training: Examples,
    validation: Examples,
    lesson: Lesson,
    checkpoint: Path,
) -> Taught:
    targets, weights = torch.from_numpy(training.targets), torch.from_numpy(training.weights)

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        chosen = list(indices)
        inputs = padded([training.tokens[index] for index in chosen], device())
        losses = torch.nn.functional.cross_entropy(
            _logits(model, inputs), targets[chosen].to(device()), reduction="none"
        )
        return (losses * weights[chosen].to(device())).mean()

    epochs: list[Epoch] = []
    for number, plan in enumerate(plans(lesson)):
        if plan.epochs:
            model.base_model.requires_grad_(number > 0)
            epochs += fit(
                model,
                training.lengths,
                loss_of,
                lambda: float(_right(model, validation).mean()),
                plan,
                checkpoint / f"stage-{number}.pt",
                lesson.quiet,
            )
    model.requires_grad_(True)
    return Taught(model, tuple(epochs))


def _logits(model: PreTrainedModel, inputs: dict[str, Any]) -> torch.Tensor:
    logits: torch.Tensor = model(**inputs).logits.float()
    return logits


def _right(model: PreTrainedModel, judged: Examples) -> npt.NDArray[np.bool_]:
    answers = predict(model, judged.tokens).argmax(axis=1)
    right: npt.NDArray[np.bool_] = answers == judged.targets.argmax(axis=1)
    return right
