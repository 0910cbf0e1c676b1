"""The trainer in TensorFlow, a program of its own that `training.learn.keras` runs.

A model of transformers for TensorFlow is made of torch's weights, follows the course that the torch
one does, over the same batches, and is written back in torch's form.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
import tf_keras
import torch
import transformers
from transformers import AutoModelForSequenceClassification, TFAutoModelForSequenceClassification
from transformers.modeling_tf_pytorch_utils import load_tf2_model_in_pytorch_model

from training.learn.examples import Examples, Floats, Tokens, plans
from training.learn.keras import AFTER, BEFORE, LOGITS, TOLD, read_examples, read_lesson
from training.learn.schedule import Epoch, Plan, State, learn
from training.run_folder import write_whole

_JUDGED: Final = 64


def train(folder: Path) -> None:
    """Give the lesson in ``folder``, and leave the classifier, its logits and epochs there."""
    lesson = read_lesson(folder)
    training, validation = (
        read_examples(folder / f"{part}.npz") for part in ("training", "validation")
    )
    model = load(folder / BEFORE)
    epochs: list[Epoch] = []
    for number, plan in enumerate(plans(lesson)):
        if plan.epochs:
            getattr(model, model.base_model_prefix).trainable = number > 0
            learner = Learner.of(model, training, validation, plan)
            checkpoint = folder / f"stage-{number}.pt"
            epochs += learn(learner, training.lengths, plan, checkpoint, quiet=lesson.quiet)
    _write(model, validation, epochs, folder)


def load(folder: Path) -> Any:
    """Return the torch classifier in ``folder`` as a Keras model."""
    transformers.logging.set_verbosity_error()
    # So that the chance of a dropout layer is a state of its own, which can be set.
    tf_keras.backend.experimental.enable_tf_random_generator()
    return TFAutoModelForSequenceClassification.from_pretrained(folder, from_pt=True)


def predict(model: Any, tokens: Tokens) -> Floats:
    """Return the logits [messages, labels], in the order of ``tokens``."""
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    answer = tf.function(
        lambda ids, mask: model(input_ids=ids, attention_mask=mask, training=False).logits,
        input_signature=[_Ids, _Ids],
    )
    rows = [
        answer(*_padded([tokens[index] for index in order[start : start + _JUDGED]])).numpy()
        for start in range(0, len(order), _JUDGED)
    ]
    logits = np.concatenate(rows)
    unsorted = np.empty_like(logits)
    unsorted[order] = logits
    return unsorted


_Ids = tf.TensorSpec([None, None], tf.int32)
_Targets = tf.TensorSpec([None, None], tf.float32)
_Weights = tf.TensorSpec([None], tf.float32)


@dataclass
class Learner:
    """A Keras model in training: `training.learn.schedule.Learner`."""

    model: Any
    optimizer: Any
    training: Examples
    validation: Examples
    update: Any
    chances: list[Any]

    @classmethod
    def of(cls, model: Any, training: Examples, validation: Examples, plan: Plan) -> "Learner":
        """Return a learner of the weights that are trainable now."""
        learned = model.trainable_variables
        optimizer = tf_keras.optimizers.AdamW(
            plan.learning_rate, weight_decay=plan.weight_decay, epsilon=1e-8
        )
        optimizer.build(learned)

        @tf.function(input_signature=[_Ids, _Ids, _Targets, _Weights])  # type: ignore[untyped-decorator]
        def update(ids: Any, mask: Any, targets: Any, weights: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = model(input_ids=ids, attention_mask=mask, training=True).logits
                losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
                loss = tf.reduce_mean(losses * weights)
            gradients = tape.gradient(loss, learned)
            limited, _ = tf.clip_by_global_norm(gradients, plan.gradient_limit)
            optimizer.apply_gradients(zip(limited, learned, strict=True))
            return loss

        return cls(model, optimizer, training, validation, update, _chances(model))

    def step(self, indices: Sequence[int], rate: float, seed: int) -> float:
        for number, chance in enumerate(self.chances):
            chance.reset_from_seed(seed + number)
        self.optimizer.learning_rate = rate
        chosen = list(indices)
        ids, mask = _padded([self.training.tokens[index] for index in chosen])
        targets, weights = self.training.targets[chosen], self.training.weights[chosen]
        return float(self.update(ids, mask, tf.constant(targets), tf.constant(weights)))

    def judge(self) -> float:
        answers = predict(self.model, self.validation.tokens).argmax(axis=1)
        return float((answers == self.validation.targets.argmax(axis=1)).mean())

    def weights(self) -> State:
        return _kept(self.model.get_weights())

    def load_weights(self, weights: State) -> None:
        self.model.set_weights(_arrays_of(weights))

    def state(self) -> State:
        variables = [variable.numpy() for variable in self.optimizer.variables]
        return {"model": self.weights(), "optimizer": _kept(variables)}

    def load_state(self, state: State) -> None:
        self.load_weights(state["model"])
        for variable, value in zip(
            self.optimizer.variables, _arrays_of(state["optimizer"]), strict=True
        ):
            variable.assign(value)


def _chances(model: Any) -> list[Any]:
    """Return the generators of the dropout layers, in order."""
    layers = [layer for layer in model.submodules if isinstance(layer, tf_keras.layers.Dropout)]
    # There is no public way to a layer's generator.
    found = [layer._random_generator._generator for layer in layers]  # noqa: SLF001
    return [chance for chance in found if chance is not None]


def _padded(tokens: Tokens) -> tuple[Any, Any]:
    width = max(map(len, tokens))
    ids = np.zeros((len(tokens), width), dtype=np.int32)
    mask = np.zeros((len(tokens), width), dtype=np.int32)
    for row, sequence in enumerate(tokens):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return tf.constant(ids), tf.constant(mask)


def _kept(arrays: Sequence[Any]) -> State:
    return {str(number): torch.from_numpy(np.array(array)) for number, array in enumerate(arrays)}


def _arrays_of(state: State) -> list[Any]:
    return [state[str(number)].numpy() for number in range(len(state))]


def _write(model: Any, validation: Examples, epochs: Sequence[Epoch], folder: Path) -> None:
    """Write the classifier in torch's form."""
    np.save(folder / LOGITS, predict(model, validation.tokens))
    plain = AutoModelForSequenceClassification.from_pretrained(folder / BEFORE)
    load_tf2_model_in_pytorch_model(plain, model)
    plain.save_pretrained(folder / AFTER)
    write_whole(folder / TOLD, json.dumps({"epochs": epochs}))


def _end_with_parent() -> None:
    """End when standard input does: nobody is left to take the result."""
    # Not through sys.stdin, whose lock this thread would hold when the interpreter ends.
    os.read(0, 1)
    os._exit(1)


def main() -> None:
    """Train in the folder that the command names."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tf.keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    train(Path(sys.argv[1]))
