"""The head of a model card, as model hubs read it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from huggingface_hub import EvalResult, ModelCardData

from schemas.bundle import Dataset, Measured

FORMS: Final[Mapping[str, str]] = {
    "reflex": "whole numbers, as shipped",
    "student": "INT8, as shipped",
    "student-fp32": "FP32, not shipped",
    "teacher": "FP32, as shipped",
    "teacher-int8": "INT8, not shipped",
}
_HUB_ID: Final = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Licences:
    """What weights, base encoder and each source of data may be used for.

    ``weights`` is an identifier as hubs know them (``apache-2.0``), the others are in words.
    """

    weights: str
    base: str
    data: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """Everything in one line, for the manifest."""
        data = "; ".join(f"{name}: {licence}" for name, licence in self.data.items())
        return f"weights {self.weights}; base encoder {self.base}; data {data or 'not stated'}"


def judged(data: Sequence[Dataset]) -> str:
    """Return what the bundle was judged on: its own files, or part of those it learned from."""
    own = [entry.name for entry in data if "judging" in entry.use]
    learned = [entry.name for entry in data if entry.use == "training"]
    return f"held out of {', '.join(learned)}" if not own else ", ".join(own)


def head(
    name: str, base: str, licence: str, sources: Sequence[str], results: tuple[str, Measured]
) -> str:
    """Return the card's head in YAML, without the lines around it.

    Of the ``sources`` of data those are named that have the form of a hub's name. ``results`` are
    on what was measured, and what.
    """
    data = ModelCardData(
        model_name=name,
        license=licence,
        library_name="onnx",
        pipeline_tag="text-classification",
        base_model=base,
        datasets=[source for source in sources if _HUB_ID.fullmatch(source)] or None,
        metrics=["accuracy", "f1"],
        tags=["onnx", "int8", "customer-support", "edgeroute"],
        eval_results=list(_evaluations(*results)),
    )
    return data.to_yaml().strip()


def _evaluations(data: str, measured: Measured) -> Iterator[EvalResult]:
    """Yield accuracy and macro-F1 of the system and of every network."""
    system = measured.system
    whole = ("system", system.accuracy, system.macro_f1)
    networks = (
        (title_of(name), measure.accuracy, measure.macro_f1)
        for name, measure in measured.networks.items()
    )
    for who, accuracy, macro_f1 in (whole, *networks):
        for kind, name, value in (
            ("accuracy", "Accuracy", accuracy),
            ("f1", "Macro-F1", macro_f1),
        ):
            yield EvalResult(
                task_type="text-classification",
                dataset_type="held-out",
                dataset_name=data,
                metric_type=kind,
                metric_name=f"{name} of {who}",
                metric_value=round(value, 4),
            )


def title_of(name: str) -> str:
    """Return how a network's measurements are headed."""
    return (
        f"{name.removesuffix('-fp32').removesuffix('-int8')}, {FORMS[name]}"
        if name in FORMS
        else name
    )
