"""The integer form of a graph: how near, how small, and the same alone and in a batch."""

import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("optimum")

import onnx
import torch
from transformers import (
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from router.engine import Engine
from tests.training.tiny import VOCABULARY, tiny_config, tiny_tokenizer
from training import TrainingError
from training.shrink.compress import compress
from training.shrink.export import export

pytestmark = pytest.mark.train


def messages(count: int) -> list[list[int]]:
    chance = random.Random(4)
    return [
        [2, *chance.choices(range(5, len(VOCABULARY)), k=chance.randint(1, 40)), 3]
        for _ in range(count)
    ]


def bert() -> PreTrainedModel:
    return BertForSequenceClassification(tiny_config(num_labels=5, hidden_size=48))


def distilbert() -> PreTrainedModel:
    return DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=len(VOCABULARY), dim=48, n_layers=2, n_heads=4, hidden_dim=64,
            max_position_embeddings=64, num_labels=5,
        )
    )  # fmt: skip


def roberta() -> PreTrainedModel:
    return RobertaForSequenceClassification(
        RobertaConfig(
            vocab_size=len(VOCABULARY), hidden_size=48, num_hidden_layers=2,
            num_attention_heads=4, intermediate_size=64, max_position_embeddings=66,
            num_labels=5, pad_token_id=0,
        )
    )  # fmt: skip


@pytest.fixture(scope="module", params=[bert, distilbert, roberta], ids=lambda made: made.__name__)
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(2)
    folder = tmp_path_factory.mktemp("full")
    tokenizer = tiny_tokenizer(folder / "tokenizer.json").read_text(encoding="utf-8")
    export(request.param(), tokenizer, folder / "full.onnx")
    return folder / "full.onnx"


def compressed(full: Path, bits: int) -> Path:
    destination = full.with_name(f"{bits}.onnx")
    compress(full, messages(30), destination, bits)
    return destination


@pytest.mark.parametrize(("bits", "near"), [(8, 0.05), (4, 0.3)])
def test_it_answers_nearly_as_the_full_graph(full: Path, bits: int, near: float) -> None:
    tokens = messages(50)
    before = Engine.load(full, threads=1).logits(tokens)
    after = Engine.load(compressed(full, bits), threads=1).logits(tokens)
    assert np.abs(before - after).mean() < near * np.abs(before).mean()


def test_every_product_with_weights_but_the_last_is_of_integers(full: Path) -> None:
    graph = onnx.load(compressed(full, 8)).graph
    constants = {entry.name for entry in graph.initializer}
    of_numbers = [
        node
        for node in graph.node
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in constants
    ]
    assert [node.output[0] for node in of_numbers] == [graph.output[0].name]


def test_fewer_bits_for_the_tables_are_fewer_bytes(full: Path) -> None:
    sizes = [compressed(full, bits).stat().st_size for bits in (4, 8)]
    assert sizes[0] < sizes[1] < full.stat().st_size


def test_the_same_graph_and_messages_give_the_same_bytes(full: Path) -> None:
    first = compressed(full, 8).read_bytes()
    assert compressed(full, 8).read_bytes() == first


@pytest.mark.parametrize("bits", [4, 8])
def test_a_message_has_the_same_answer_alone_and_in_a_batch(full: Path, bits: int) -> None:
    engine, tokens = Engine.load(compressed(full, bits), threads=1), messages(32)
    alone = [engine.logits([message]).tobytes() for message in tokens]
    assert [row.tobytes() for row in engine.logits(tokens, pad_to=60)] == alone


def test_a_graph_without_embeddings_is_refused(full: Path, tmp_path: Path) -> None:
    graph = onnx.load(full)
    for node in graph.graph.node:
        if node.op_type == "Gather":
            node.input[1], node.input[0] = node.input[0], node.input[0]
    del graph.graph.node[:-2]
    value = graph.graph.node[0].input[0]
    graph.graph.input.append(onnx.helper.make_tensor_value_info(value, 1, ["batch", 48]))
    del graph.graph.input[:-1]
    onnx.save(graph, tmp_path / "none.onnx")
    with pytest.raises(TrainingError, match="has no table of embeddings"):
        compress(tmp_path / "none.onnx", [], tmp_path / "out.onnx")
