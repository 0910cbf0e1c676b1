"""The student as it starts: some of the teacher's layers, their inner parts cut to what matters."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers import PreTrainedModel

from training import TrainingError
from training.learn.torch_loop import Tokens, half_precision, padded

_WIDTHS: Final = ("intermediate_size", "hidden_dim")
"""What configurations call the number of a layer's inner neurons."""
_BATCH: Final = 64


@dataclass(frozen=True)
class _Inner:
    """The two halves of a layer's feed-forward part: to its inner neurons, and back."""

    out: torch.nn.Linear
    back: torch.nn.Linear


def student_of(
    teacher: PreTrainedModel, layers: int | Sequence[int], inner: int | None, tokens: Tokens
) -> PreTrainedModel:
    """Return a model with copies of some layers of ``teacher``, on the CPU.

    ``layers`` says which, counted from 0, or how many: they are then spread evenly from the first.
    ``inner`` neurons stay in each layer's feed-forward part: those that contribute most on
    ``tokens``, which are typical messages; all of them where it is None. The rest is the teacher's.
    """
    chosen = chosen_layers(layers, teacher.config.num_hidden_layers)
    student = copy.deepcopy(teacher).cpu()
    everything = _layers(student)
    width = next(getattr(student.config, name) for name in _WIDTHS if hasattr(student.config, name))
    if inner is not None and inner < width:
        parts = [_inner(everything[number], student.config.hidden_size, width) for number in chosen]
        for part, worth in zip(parts, _worth(student, parts, tokens), strict=True):
            _cut(part, torch.topk(worth, inner).indices.sort().values)
        for name in _WIDTHS:
            if hasattr(student.config, name):
                setattr(student.config, name, inner)
    kept = [everything[number] for number in chosen]
    del everything[:]
    everything.extend(kept)
    student.config.num_hidden_layers = len(chosen)
    return student


def chosen_layers(layers: int | Sequence[int], there: int) -> list[int]:
    """Return the numbers of the layers to keep of those that are ``there``."""
    if isinstance(layers, int):
        chosen = [number * there // layers for number in range(layers)]
    else:
        chosen = list(layers)
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(there)):
        raise TrainingError(
            f"the teacher has {there} layers, counted from 0, and distil.layers asks for others; "
            "name some of its own, each once"
        )
    return chosen


def _layers(model: PreTrainedModel) -> torch.nn.ModuleList:
    """Return the encoder's layers, whatever the architecture calls them."""
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == (
            model.config.num_hidden_layers
        ):
            return module
    raise _unknown()


def _inner(layer: torch.nn.Module, width: int, inner: int) -> _Inner:
    linear = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
    shapes = [(module.in_features, module.out_features) for module in linear]
    if shapes.count((width, inner)) != 1 or shapes.count((inner, width)) != 1:
        raise _unknown()
    return _Inner(linear[shapes.index((width, inner))], linear[shapes.index((inner, width))])


def _unknown() -> TrainingError:
    return TrainingError(
        "the layers of this encoder have a form that cannot be cut; "
        "use one of the BERT or DistilBERT family"
    )


def _worth(model: PreTrainedModel, parts: Sequence[_Inner], tokens: Tokens) -> list[torch.Tensor]:
    """Return for each inner neuron how much it adds to its layer's result, in the mean square."""
    model.eval()
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    sums = [torch.zeros(part.back.in_features) for part in parts]
    with _watched(parts) as seen, torch.inference_mode(), half_precision(torch.device("cpu")):
        for start in range(0, len(order), _BATCH):
            inputs = padded(
                [tokens[index] for index in order[start : start + _BATCH]], torch.device("cpu")
            )
            model(**inputs)
            real = inputs["attention_mask"].bool()
            for number, values in seen.items():
                sums[number] += values.float()[real].square().sum(dim=0)
    return [
        one.sqrt() * part.back.weight.detach().norm(dim=0)
        for one, part in zip(sums, parts, strict=True)
    ]


@contextmanager
def _watched(parts: Sequence[_Inner]) -> Iterator[dict[int, torch.Tensor]]:
    """Keep in the dictionary, while it lasts, what each part's neurons said last."""
    seen: dict[int, torch.Tensor] = {}

    def watcher(number: int) -> Any:
        def watch(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            seen[number] = inputs[0]

        return watch

    hooks = [
        part.back.register_forward_pre_hook(watcher(number)) for number, part in enumerate(parts)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _cut(part: _Inner, kept: torch.Tensor) -> None:
    part.out.weight = torch.nn.Parameter(part.out.weight.detach()[kept].clone())
    part.back.weight = torch.nn.Parameter(part.back.weight.detach()[:, kept].clone())
    if part.out.bias is not None:
        part.out.bias = torch.nn.Parameter(part.out.bias.detach()[kept].clone())
    part.out.out_features = part.back.in_features = len(kept)
