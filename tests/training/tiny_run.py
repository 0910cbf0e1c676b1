"""A run's folder as the steps before calibration leave it, with networks that fit in a cup."""

import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router import reflex
from training.config import TrainConfig
from training.run_folder import Work

LABELS: Final = ("bad", "good", "none")
WORDS: Final = tuple(f"w{number}" for number in range(40))
SPECIAL: Final = ("[PAD]", "[UNK]")

Weights = NDArray[np.float32]


def make_run(run: Path, *, messages: int = 200, with_reflex: bool = True, seed: int = 0) -> None:
    """Write data, tokenizer and five networks; the teacher is the best of them."""
    chance = np.random.default_rng(seed)
    weights = chance.normal(0, 1.2, (len(SPECIAL) + len(WORDS), len(LABELS))).astype(np.float32)
    _prepare(run / "prepare", weights, messages, chance)
    student = weights + chance.normal(0, 0.4, weights.shape).astype(np.float32)
    (run / "export").mkdir()
    (run / "compress").mkdir()
    (run / "reflex").mkdir()
    write_network(run / "export" / "teacher.onnx", weights)
    write_network(run / "export" / "student.onnx", student)
    write_network(run / "compress" / "teacher.int8.onnx", weights.round(1))
    write_network(run / "compress" / "student.int8.onnx", student.round(1))
    if with_reflex:
        write_reflex(run / "reflex" / "reflex.npz", weights + chance.normal(0, 1, weights.shape))


def work_of(run: Path, step: str, config: TrainConfig | None = None) -> Work:
    """Return what the step would be given; its folder exists."""
    (run / step).mkdir(exist_ok=True)
    return Work(config=config or TrainConfig(), run=run, step=step, quiet=True)


def write_network(path: Path, weights: Weights) -> None:
    """Write a network whose logits are the mean of its tokens' rows of ``weights``, times 4."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "words"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "words"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["logits"]),
    ]
    constants = [
        numpy_helper.from_array(4 * weights.astype(np.float32), "table"),
        numpy_helper.from_array(np.array([2]), "last"),
        numpy_helper.from_array(np.array([1]), "words"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))


def write_reflex(path: Path, weights: NDArray[np.floating]) -> None:
    """Write a reflex tier that adds up these weights of single words."""
    scaled = np.clip(weights * 20, -127, 127).round().astype(np.int8)
    # What is negative counts as 0 in a window, so each label has a channel for either sign.
    table = np.zeros((len(weights) + 1, 1, 2 * len(LABELS)), dtype=np.int8)
    table[:-1, 0] = np.concatenate([scaled, -scaled], axis=1)
    signs = np.concatenate([np.eye(len(LABELS)), -np.eye(len(LABELS))]).astype(np.int16)
    ones = np.ones(len(LABELS), dtype=np.float32)
    content = reflex.Weights(
        table=table,
        bias=np.zeros(2 * len(LABELS), dtype=np.int16),
        head=np.stack([np.zeros_like(signs), signs]),
        scale=0.05 * ones,
        offset=0 * ones,
    )
    reflex.write(path, content)


def _prepare(folder: Path, weights: Weights, messages: int, chance: np.random.Generator) -> None:
    import tokenizers  # type: ignore[import-untyped]

    folder.mkdir(parents=True)
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *WORDS))}
    pieces = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "[UNK]"))
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    pieces.save(str(folder / "tokenizer.json"))
    (folder / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    for part in ("train", "calibration", "judging"):
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as lines:
            for _ in range(messages):
                words = chance.integers(0, len(WORDS), chance.integers(2, 9))
                scores = weights[words + len(SPECIAL)].mean(axis=0) + chance.normal(0, 0.3, 3)
                row = {
                    "text": " ".join(WORDS[word] for word in words),
                    "label": LABELS[int(scores.argmax())],
                }
                lines.write(json.dumps(row) + "\n")
