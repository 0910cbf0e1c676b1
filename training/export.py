"""From a taught classifier to an ONNX graph in full precision."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from optimum.exporters.onnx import onnx_export_from_model
from transformers import PreTrainedModel

EXPORTED = "model.onnx"


def export(model: torch.nn.Module, tokenizer: str, destination: Path) -> None:
    """Write ``model`` to ``destination`` as an unfused FP32 graph.

    The session fuses it for its machine when it loads; quantising a fused graph gives no speed.
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
