"""Cutting an encoder to a vocabulary, and masked-language modelling, on tiny random encoders."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

from tests.training.tiny import VOCABULARY, tiny_config, tiny_tokenizer, tiny_work
from training import TrainingError
from training.learn.adapt import Mask, hidden, load, run, trimmed
from training.learn.torch_loop import padded
from training.run_folder import Work

pytestmark = pytest.mark.train
MASK = Mask(piece=4, fixed=(0, 1, 2, 3, 4), vocabulary=len(VOCABULARY), share=0.15)


def encoder(folder: Path) -> PreTrainedModel:
    model: PreTrainedModel = AutoModel.from_pretrained(folder)
    model.eval()
    return model


def content(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, dict[str, float]]:
    work = tiny_work(
        tmp_path_factory.mktemp("adapt"), "adapt", adapt={"epochs": 6, "learning_rate": 3e-3}
    )
    return work, run(work)


def test_adapting_lowers_the_loss_on_text_held_out(adapted: tuple[Work, dict[str, float]]) -> None:
    assert adapted[1]["masked_loss_after"] < adapted[1]["masked_loss_before"] - 0.3


def test_a_twentieth_of_the_texts_is_held_out(adapted: tuple[Work, dict[str, float]]) -> None:
    held_out, trained = adapted[1]["held_out_texts"], adapted[1]["texts"]
    assert held_out == max(1, round((held_out + trained) / 20))


def test_the_plain_encoder_is_the_base_with_fewer_pieces(
    adapted: tuple[Work, dict[str, float]],
) -> None:
    work = adapted[0]
    kept = json.loads((work.of("prepare") / "kept.json").read_text())
    base, plain = encoder(work.run / "base"), encoder(work.folder / "plain")
    assert plain.config.vocab_size == len(kept) < len(VOCABULARY)
    assert plain.config.max_position_embeddings == 32
    new = padded([[2, 6, 8, 30, len(kept) - 1, 3], [2, 9, 3]], torch.device("cpu"))
    old = dict(new, input_ids=torch.tensor(kept)[new["input_ids"]])
    assert torch.allclose(
        plain(**new).last_hidden_state[0], base(**old).last_hidden_state[0], atol=1e-6
    )


def test_the_adapted_encoder_has_all_of_the_plain_ones_weights_and_its_pooler(
    adapted: tuple[Work, dict[str, float]],
) -> None:
    plain = encoder(adapted[0].folder / "plain").state_dict()
    changed = encoder(adapted[0].folder / "encoder").state_dict()
    same = {name for name in plain if torch.equal(plain[name], changed[name])}
    assert plain.keys() == changed.keys()
    assert same == {"pooler.dense.weight", "pooler.dense.bias"}


def test_adapting_twice_gives_the_same_bytes(
    adapted: tuple[Work, dict[str, float]], tmp_path: Path
) -> None:
    work = tiny_work(tmp_path, "adapt", adapt={"epochs": 6, "learning_rate": 3e-3})
    run(work)
    assert content(work.folder / "encoder") == content(adapted[0].folder / "encoder")


def test_without_epochs_the_encoder_is_only_cut(
    adapted: tuple[Work, dict[str, float]], tmp_path: Path
) -> None:
    work = tiny_work(tmp_path, "adapt", adapt={"epochs": 0})
    assert run(work)["epochs"] == 0
    assert not (work.folder / "plain").exists()
    assert content(work.folder / "encoder") == content(adapted[0].folder / "plain")


def test_what_is_saved_names_no_place_of_this_machine(
    adapted: tuple[Work, dict[str, float]],
) -> None:
    work = adapted[0]
    for name in ("encoder", "plain"):
        assert str(work.run) not in (work.folder / name / "config.json").read_text()


def test_special_pieces_are_never_hidden_and_most_others_are_left() -> None:
    torch.manual_seed(1)
    before = torch.randint(len(VOCABULARY), (200, 60))
    after = before.clone()
    labels = hidden(after, MASK)
    special, asked = before < 5, labels != -100
    assert not (asked & special).any()
    assert torch.equal(after[~asked], before[~asked])
    assert torch.equal(labels[asked], before[asked])
    assert float(asked[~special].float().mean()) == pytest.approx(0.15, abs=0.01)


def test_eight_in_ten_hidden_pieces_are_masked_and_one_stays() -> None:
    torch.manual_seed(1)
    before = torch.randint(5, len(VOCABULARY), (200, 100))
    after = before.clone()
    asked = hidden(after, MASK) != -100
    assert float((after[asked] == 4).float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float((after[asked] == before[asked]).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_the_head_for_hidden_pieces_is_cut_with_the_embeddings(tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = DistilBertConfig(vocab_size=40, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    full = DistilBertForMaskedLM(config).eval()
    full.vocab_projector.bias.data.normal_()
    kept = [0, 1, 2, 3, 4, 9, 8, 30]
    small = trimmed(full, kept, 16).eval()
    new = torch.tensor([[2, 5, 7, 3]])
    expected = full(input_ids=torch.tensor(kept)[new]).logits[:, :, kept]
    assert torch.allclose(small(input_ids=new).logits, expected, atol=1e-6)
    assert small.get_output_embeddings().weight is small.get_input_embeddings().weight


def test_positions_that_start_after_the_padding_are_not_cut() -> None:
    torch.manual_seed(1)
    config = RobertaConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=34,
    )  # fmt: skip
    full = RobertaForMaskedLM(config).eval()
    same = trimmed(full, range(40), 32).eval()
    ids = torch.tensor([[0, 5, 7, 2]])
    assert torch.allclose(same(input_ids=ids).logits, full(input_ids=ids).logits, atol=1e-6)
    with pytest.raises(TrainingError, match="reads at most 32 tokens"):
        trimmed(full, range(40), 33)


def test_more_positions_than_the_encoder_has_are_refused() -> None:
    with pytest.raises(TrainingError, match="reads at most 64 tokens"):
        trimmed(BertModel(tiny_config()), range(len(VOCABULARY)), 65)


def test_a_tokenizer_without_a_mask_is_refused(tmp_path: Path) -> None:
    work = tiny_work(tmp_path, "adapt")
    tokenizer = tiny_tokenizer(work.of("prepare") / "tokenizer.json")
    tokenizer.write_text(tokenizer.read_text().replace("[MASK]", "[HIDE]"))
    with pytest.raises(TrainingError, match="has no mask token"):
        run(work)


def test_an_encoder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be loaded"):
        load(AutoModelForMaskedLM, str(tmp_path / "none"))
