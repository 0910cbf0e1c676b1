"""From taught classifiers to ONNX graphs in full precision."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from optimum.exporters.onnx import onnx_export_from_model
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from router.engine import Engine
from training.judge.agreement import judges, parity
from training.judge.scores import logits_of
from training.learn.torch_loop import predict
from training.progress import bar
from training.run_folder import Metrics, Work

EXPORTED: Final = "model.onnx"
_FROM: Final = {"teacher": "teach", "student": "distil"}


def run(work: Work) -> Metrics:
    """Write ``teacher.onnx`` and ``student.onnx``; tell how far they are from torch."""
    held = judges(work)
    tokenizer = (work.of("prepare") / "tokenizer.json").read_text(encoding="utf-8")
    told: Metrics = {}
    for tier, step in bar(list(_FROM.items()), "exporting", quiet=work.quiet):
        destination = work.folder / f"{tier}.onnx"
        model = AutoModelForSequenceClassification.from_pretrained(work.of(step) / "model")
        export(model, tokenizer, destination)
        after = logits_of(Engine.load(destination, threads=1), held.tokens)
        told[tier] = parity(predict(model, held.tokens), after, held.labels)
        told[tier]["size_mb"] = destination.stat().st_size / 1e6
    sizes = ", ".join(f"{tier} {one['size_mb']:.1f} MB" for tier, one in told.items())
    furthest = max(one["largest_logit_difference"] for one in told.values())
    return {"said": f"{sizes}; logits within {furthest:.1g} of torch's", **told}


def export(model: torch.nn.Module, tokenizer: str, destination: Path) -> None:
    """Write ``model`` to ``destination`` as an unfused FP32 graph.

    The session fuses it for its machine when it loads.
    """
    assert isinstance(model, PreTrainedModel)
    model.eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter warns of every shape that it traces; none of it is for the user to act on.
        warnings.simplefilter("ignore")
        logging.getLogger("optimum").setLevel(logging.ERROR)
        (Path(folder) / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
        onnx_export_from_model(model, Path(folder), task="text-classification", do_validation=False)
        graph = onnx.load(str(Path(folder) / EXPORTED))
    _forget_origin(graph)
    onnx.save(graph, str(destination))


def _forget_origin(graph: Any) -> None:
    """Drop the names of source files that the exporter leaves: they are of one machine only."""
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
