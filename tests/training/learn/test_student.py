"""What is left of a teacher in its student."""

import copy

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedModel

from tests.training.tiny import VOCABULARY, tiny_classifier
from training import TrainingError
from training.learn.student import chosen_layers, student_of
from training.learn.torch_loop import predict

pytestmark = pytest.mark.train
TOKENS = [[2, 10 + number, 20, 3] for number in range(12)]


def distilled() -> PreTrainedModel:
    torch.manual_seed(1)
    return DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=len(VOCABULARY), dim=32, n_layers=2, n_heads=4, hidden_dim=64,
            max_position_embeddings=64,
        )
    )  # fmt: skip


@given(st.integers(1, 24), st.data())
def test_layers_are_spread_from_the_first_in_order(there: int, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, there))
    chosen = chosen_layers(wanted, there)
    assert chosen[0] == 0
    assert len(chosen) == wanted
    assert chosen == sorted(set(chosen))


def test_three_of_six_are_every_other_one() -> None:
    assert chosen_layers(3, 6) == [0, 2, 4]


@pytest.mark.parametrize("layers", [7, (0, 6), (1, 1), ()])
def test_layers_that_the_teacher_lacks_are_refused(layers: int | tuple[int, ...]) -> None:
    with pytest.raises(TrainingError, match="the teacher has 6 layers"):
        chosen_layers(layers, 6)


def test_with_everything_kept_it_answers_as_the_teacher() -> None:
    teacher = tiny_classifier()
    student = student_of(teacher, 2, None, TOKENS)
    assert predict(student, TOKENS).tobytes() == predict(teacher, TOKENS).tobytes()


@pytest.mark.parametrize("teacher", [tiny_classifier(), distilled()], ids=["bert", "distilbert"])
def test_neurons_that_say_nothing_are_the_first_to_go(teacher: PreTrainedModel) -> None:
    silent = copy.deepcopy(teacher)
    with torch.no_grad():
        for module in silent.modules():
            if isinstance(module, torch.nn.Linear) and module.in_features == 64:
                module.weight[:, ::2] = 0
    student = student_of(silent, 2, 32, TOKENS)
    assert abs(predict(student, TOKENS) - predict(silent, TOKENS)).max() < 1e-6
    assert sum(w.numel() for w in student.parameters()) < sum(
        w.numel() for w in teacher.parameters()
    )
