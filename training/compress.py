"""From the full-precision graph to an 8-bit one whose answers do not depend on the batch.

Dynamic quantisation takes one scale from all activations of a batch, so that a message's logits
depend on its batch mates. Here every scale is fixed beforehand.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from training import TrainingError

SAMPLE: Final = 100
"""Messages that the ranges of the activations are taken from."""

_LARGE: Final = 10_000
"""Tables with fewer numbers than this stay as they are."""


def compress(full: Path, sample: Sequence[Sequence[int]], destination: Path) -> None:
    """Write the graph in ``full`` to ``destination`` with 8-bit weights and embeddings.

    ``sample`` holds the token ids of typical messages.
    """
    with tempfile.TemporaryDirectory() as folder:
        half_way = Path(folder) / "embeddings.onnx"
        graph = onnx.load(str(full))
        _shrink_tables(graph)
        onnx.save(graph, str(half_way))
        logging.getLogger().addFilter(_without_advice)
        try:
            quantize_static(
                str(half_way),
                str(destination),
                _Sample(graph, sample),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul", "Gemm"],
                nodes_to_exclude=_last_layer(graph),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                # Percentile needs activations of one shape, and messages differ in length.
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"MatMulConstBOnly": True},
            )
        finally:
            logging.getLogger().removeFilter(_without_advice)


def _without_advice(record: logging.LogRecord) -> bool:
    """The quantiser advises a preparation that fuses, which is what must not happen here."""
    return "pre-processing" not in record.getMessage()


class _Sample(CalibrationDataReader):  # type: ignore[misc]
    """Hands out one message at a time, unpadded."""

    def __init__(self, graph: Any, sample: Sequence[Sequence[int]]) -> None:
        names = [entry.name for entry in graph.graph.input]
        self._feeds: Iterator[dict[str, NDArray[np.int64]]] = (
            _feed(names, tokens) for tokens in sample
        )

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        return next(self._feeds, None)


def _feed(names: Sequence[str], tokens: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    ids = np.array([tokens], dtype=np.int64)
    values = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return {name: values.get(name, np.zeros_like(ids)) for name in names}


def _last_layer(graph: Any) -> list[str]:
    """Return the node that gives the logits: tiny, and its rounding would move every confidence."""
    logits = graph.graph.output[0].name
    return [node.name for node in graph.graph.node if logits in node.output]


def _shrink_tables(graph: Any) -> None:
    """Replace each large table that is looked up by 8-bit rows, each with its own scale."""
    tables = {entry.name: entry for entry in graph.graph.initializer}
    replaced = 0
    for position in range(len(graph.graph.node) - 1, -1, -1):
        node = graph.graph.node[position]
        table = tables.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or np.prod(table.dims) < _LARGE or len(table.dims) != 2:
            continue
        rows, scales = _in_bytes(numpy_helper.to_array(table))
        graph.graph.initializer.remove(table)
        graph.graph.initializer.extend(
            [
                numpy_helper.from_array(rows, f"{table.name}_bytes"),
                numpy_helper.from_array(scales, f"{table.name}_scales"),
            ]
        )
        graph.graph.node.remove(node)
        for offset, new in enumerate(_lookup(node, table.name)):
            graph.graph.node.insert(position + offset, new)
        replaced += 1
    if not replaced:
        raise TrainingError("the base encoder has no table of embeddings to compress; use another")


def _in_bytes(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    largest = np.maximum(np.abs(table).max(axis=1, keepdims=True), np.finfo(np.float32).tiny * 127)
    scales = (largest / 127).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales


def _lookup(gather: Any, table: str) -> list[Any]:
    """Return the nodes that look up bytes and scale, and multiply them: exact, row by row."""
    ids, result = gather.input[1], gather.output[0]
    names = [f"{result}_{part}" for part in ("bytes", "scale", "float")]
    return [
        helper.make_node("Gather", [f"{table}_bytes", ids], [names[0]], f"{names[0]}_gather"),
        helper.make_node("Gather", [f"{table}_scales", ids], [names[1]], f"{names[1]}_gather"),
        helper.make_node("Cast", [names[0]], [names[2]], f"{names[2]}_cast", to=1),
        helper.make_node("Mul", [names[2], names[1]], [result], f"{result}_multiply"),
    ]
