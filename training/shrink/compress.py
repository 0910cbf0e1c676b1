"""From the full-precision graph to an 8-bit one whose answers do not depend on the batch.

Dynamic quantisation takes one scale from all activations of a batch, so that a message's logits
depend on its batch mates. Here every scale is fixed beforehand, from typical messages.

The graph names the integer kernels itself instead of leaving pairs of QuantizeLinear and
DequantizeLinear to the session: it would round every product to 8 bits, read it back and add the
bias in three more passes over memory, which took twice the time of the products themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from router.engine import Engine
from training import TrainingError
from training.data.parts import read_part
from training.judge.agreement import Judges, judges, parity
from training.judge.scores import logits_of
from training.progress import bar
from training.run_folder import Metrics, Work

DOMAIN: Final = "com.microsoft"
_LARGE: Final = 1_000
"""Tables with fewer numbers than this stay as they are."""
_ROUNDED: Final = 127
_OUTLYING: Final = 8.0
"""An activation is evened out where its largest channel is that many times its middle one."""
_LIMIT: Final = 3.0
"""No channel is then more than this many times the one in the middle."""
_BLOCK: Final = {4: 32, 8: 128}
"""So many numbers of a table's row share a scale."""


def run(work: Work) -> Metrics:
    """Write ``student.int8.onnx`` and ``teacher.int8.onnx``."""
    section, exported = work.config.compress, work.of("export")
    held = judges(work)
    rows = read_part(work.of("prepare") / "train.jsonl")[: section.sample]
    sample = held.tokenizer.encode([row.text for row in rows])
    told: Metrics = {}
    for tier in bar(("student", "teacher"), "compressing", quiet=work.quiet):
        full, small = exported / f"{tier}.onnx", work.folder / f"{tier}.int8.onnx"
        compress(full, sample, small, section.embedding_bits)
        told[tier] = _compared(full, small, held)
    sizes = ", ".join(
        f"{tier} {one['size_mb']:.1f} MB ({one['agreement']:.1%} as before)"
        for tier, one in told.items()
    )
    return {"said": sizes, **told}


def _compared(full: Path, small: Path, held: Judges) -> Metrics:
    before, after = (logits_of(Engine.load(path, threads=1), held.tokens) for path in (full, small))
    return parity(before, after, held.labels) | {"size_mb": small.stat().st_size / 1e6}


def compress(
    full: Path, sample: Sequence[Sequence[int]], destination: Path, embedding_bits: int = 8
) -> None:
    """Write the graph in ``full`` to ``destination`` with 8-bit weights and embeddings.

    ``sample`` holds the token ids of typical messages. The layer that gives the logits stays in
    full precision. With ``embedding_bits`` at 4 the tables of embeddings take half the space.
    Raises `TrainingError` for an encoder without a table of embeddings.
    """
    graph = onnx.load(str(full))
    layers = list(_layers(graph.graph))
    seen = _ranges(graph, sorted({layer.activation for layer in layers}), sample)
    _use_integers(graph.graph, layers, seen)
    _shrink_tables(graph.graph, embedding_bits)
    _keep_sums_apart(graph.graph)
    _drop_unused(graph.graph)
    if all(entry.domain != DOMAIN for entry in graph.opset_import):
        graph.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    onnx.save(graph, str(destination))


@dataclass(frozen=True)
class _Range:
    """The smallest and the largest value of each channel of an activation, [channels]."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True)
class _Layer:
    """A product with constant weights [inputs, outputs], and the sum with a bias after it."""

    product: Any
    activation: str
    weights: NDArray[np.float32]
    bias: str | None
    result: str


def _layers(graph: Any) -> Iterator[_Layer]:
    """Yield the layers, except that of the logits: tiny, and it would move every confidence."""
    constants = {entry.name: entry for entry in graph.initializer}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    last = graph.output[0].name
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in constants:
            continue
        weights = numpy_helper.to_array(constants[node.input[1]])
        if weights.ndim != 2:
            continue
        layer = (_of_gemm if node.op_type == "Gemm" else _of_product)(
            node, weights, constants, users
        )
        if layer is not None and layer.result != last:
            yield layer


def _of_gemm(node: Any, weights: Any, constants: Any, users: Any) -> _Layer | None:
    how = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    if how.get("transA", 0) or how.get("alpha", 1.0) != 1 or how.get("beta", 1.0) != 1:
        return None
    bias = node.input[2] if len(node.input) > 2 else None
    turned = weights.T if how.get("transB", 0) else weights
    return _Layer(node, node.input[0], turned, bias, node.output[0])


def _of_product(node: Any, weights: Any, constants: Any, users: Any) -> _Layer:
    result = node.output[0]
    after = users.get(result, [])
    if len(after) == 1 and after[0].op_type == "Add":
        for name in after[0].input:
            if name in constants and list(constants[name].dims) == [weights.shape[1]]:
                return _Layer(node, node.input[0], weights, name, after[0].output[0])
    return _Layer(node, node.input[0], weights, None, result)


def _ranges(graph: Any, names: Sequence[str], sample: Sequence[Sequence[int]]) -> dict[str, _Range]:
    """Return what values the activations have, over messages unpadded; 0 is always among them."""
    seen = onnx.ModelProto()
    seen.CopyFrom(graph)
    seen.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    # On one thread the order of every sum is the same in every run, and so is each scale.
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        seen.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    inputs = [entry.name for entry in graph.graph.input]
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for tokens in sample:
        for name, value in zip(names, session.run(list(names), _feed(inputs, tokens)), strict=True):
            rows = value.reshape(-1, value.shape[-1])
            found[name].append(np.stack([rows.min(axis=0), rows.max(axis=0)]))
    ranges = {name: np.stack(each) for name, each in found.items()}
    return {
        name: _Range(np.minimum(each[:, 0].min(axis=0), 0), np.maximum(each[:, 1].max(axis=0), 0))
        for name, each in ranges.items()
    }


def _feed(names: Sequence[str], tokens: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    ids = np.array([tokens], dtype=np.int64)
    values = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return {name: values.get(name, np.zeros_like(ids)) for name in names}


def _use_integers(graph: Any, layers: Sequence[_Layer], ranges: dict[str, _Range]) -> None:
    """Put the integer kernel in the place of each layer; layers of one input share its bytes."""
    evened = {name: _evened(seen) for name, seen in ranges.items()}
    by_product = {layer.product.output[0]: layer for layer in layers}
    sums = {layer.result for layer in layers} - set(by_product)
    nodes: list[Any] = []
    rounded: set[str] = set()
    for node in graph.node:
        layer = by_product.get(node.output[0])
        if layer is not None:
            if layer.activation not in rounded:
                rounded.add(layer.activation)
                name = layer.activation
                nodes.extend(_rounding(graph, name, ranges[name], evened[name]))
            nodes.append(_integer_product(graph, layer, evened[layer.activation]))
        elif node.output[0] not in sums:
            nodes.append(node)
    _replace_nodes(graph, nodes)


def _evened(seen: _Range) -> NDArray[np.float32] | None:
    """Return a divisor for each channel, or None where the channels are even enough.

    A few channels of a trained encoder are many times larger than the rest, and would leave the
    others a handful of the 256 steps. What they are divided by, the weights are multiplied by.
    """
    size = np.maximum(-seen.low, seen.high)
    usual = np.median(size)
    if size.max() <= _OUTLYING * usual:
        return None
    divisors: NDArray[np.float32] = np.maximum(1, size / (_LIMIT * usual)).astype(np.float32)
    return divisors


def _rounding(
    graph: Any, activation: str, seen: _Range, divisors: NDArray[np.float32] | None
) -> list[Any]:
    if divisors is None:
        return [
            _to_bytes(graph, activation, activation, float(seen.low.min()), float(seen.high.max()))
        ]
    even = f"{activation}_even"
    _add(graph, f"{activation}_factors", 1 / divisors)
    low, high = float((seen.low / divisors).min()), float((seen.high / divisors).max())
    return [
        helper.make_node(
            "Mul", [activation, f"{activation}_factors"], [even], f"{activation}_evening"
        ),
        _to_bytes(graph, activation, even, low, high),
    ]


def _to_bytes(graph: Any, activation: str, source: str, low: float, high: float) -> Any:
    scale = max((high - low) / 255, float(np.finfo(np.float32).tiny))
    zero = int(np.clip(round(-low / scale), 0, 255))
    names = [f"{activation}_{part}" for part in ("scale", "zero")]
    _add(graph, names[0], np.float32(scale))
    _add(graph, names[1], np.uint8(zero))
    return helper.make_node(
        "QuantizeLinear", [source, *names], [f"{activation}_bytes"], f"{activation}_rounding"
    )


def _integer_product(graph: Any, layer: _Layer, divisors: NDArray[np.float32] | None) -> Any:
    """Return the node whose result is the layer's: an integer product, scaled, plus the bias."""
    old = layer.product.input[1]
    names = [f"{old}_{part}" for part in ("bytes", "scales", "zeros")]
    full = layer.weights if divisors is None else layer.weights * divisors[:, None]
    weights, scales = _in_bytes(full, axis=0)
    _add(graph, names[0], weights)
    _add(graph, names[1], scales.reshape(-1))
    _add(graph, names[2], np.zeros(scales.size, np.int8))
    activation = layer.activation
    return helper.make_node(
        "MatMulIntegerToFloat",
        [
            *(f"{activation}_bytes", names[0], f"{activation}_scale", names[1]),
            *(f"{activation}_zero", names[2], layer.bias or ""),
        ],
        [layer.result],
        f"{layer.product.name}_integer",
        domain=DOMAIN,
    )


def _in_bytes(
    numbers: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to bytes; along ``axis`` all share a scale, which has length 1 there."""
    scales = _scales(numbers, axis, _ROUNDED)
    return np.rint(numbers / scales).astype(np.int8), scales


def _scales(numbers: NDArray[np.float32], axis: int, levels: int) -> NDArray[np.float32]:
    largest = np.abs(numbers).max(axis=axis, keepdims=True)
    scales: NDArray[np.float32] = np.maximum(largest / levels, np.finfo(np.float32).tiny)
    return scales.astype(np.float32)


def _shrink_tables(graph: Any, bits: int) -> None:
    """Replace each large table that is looked up by blocks of small integers with a scale each."""
    tables = {entry.name: entry for entry in graph.initializer}
    nodes, replaced = [], 0
    for node in graph.node:
        table = tables.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or len(table.dims) != 2 or np.prod(table.dims) < _LARGE:
            nodes.append(node)
            continue
        nodes.append(_lookup(graph, node, numpy_helper.to_array(table), bits))
        replaced += 1
    if not replaced:
        raise TrainingError("the base encoder has no table of embeddings to compress; use another")
    _replace_nodes(graph, nodes)


def _lookup(graph: Any, gather: Any, table: NDArray[np.float32], bits: int) -> Any:
    block, levels = _BLOCK[bits], 2 ** (bits - 1) - 1
    rows, width = table.shape
    padded = np.pad(table, ((0, 0), (0, -width % block))).reshape(rows, -1, block)
    scales = _scales(padded, 2, levels)
    # The kernel takes unsigned numbers with the zero in their middle.
    whole = (np.rint(padded / scales) + levels + 1).astype(np.uint8).reshape(rows, -1)[:, :width]
    name = gather.input[0]
    _add(graph, f"{name}_blocks", np.ascontiguousarray(whole if bits == 8 else _packed(whole)))
    _add(graph, f"{name}_scales", scales.reshape(rows, -1))
    return helper.make_node(
        "GatherBlockQuantized",
        [f"{name}_blocks", gather.input[1], f"{name}_scales"],
        [gather.output[0]],
        f"{gather.name}_blocks",
        domain=DOMAIN,
        bits=bits,
        block_size=block,
        gather_axis=0,
        quantize_axis=1,
    )


def _packed(whole: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put two 4-bit numbers in a byte, the first in its lower half."""
    even = np.pad(whole, ((0, 0), (0, whole.shape[1] % 2)))
    return (even[:, 0::2] + 16 * even[:, 1::2]).astype(np.uint8)


def _keep_sums_apart(graph: Any) -> None:
    """Write the sums before a normalisation so that the session does not fuse them with it.

    The fused kernel takes four times as long as the two apart (onnxruntime 1.32).
    """
    normalised = {node.input[0] for node in graph.node if node.op_type == "LayerNormalization"}
    for node in graph.node:
        if node.op_type == "Add" and node.output[0] in normalised:
            node.op_type = "Sum"


def _drop_unused(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [entry for entry in graph.initializer if entry.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _replace_nodes(graph: Any, nodes: Iterable[Any]) -> None:
    copies = [_copy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _copy(node: Any) -> Any:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def _add(graph: Any, name: str, value: Any) -> None:
    if all(entry.name != name for entry in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
