"""The reflex tier's training, on a few made-up messages."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from router.reflex import Reflex
from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER
from tests.training.tiny import VOCABULARY, tiny_classifier, tiny_tokenizer
from training import TrainingError, config
from training.config import TrainConfig
from training.learn.reflex import FILE, Network, cross_entropy, quantised, run, targets_of
from training.run_folder import Work

pytestmark = pytest.mark.train

SAID = {
    "negative": ["awful", "terrible late", "nobody answers", "furious again"],
    "neutral": ["where my order", "invoice number", "refund app", "the parcel on"],
    "positive": ["thanks", "perfect help", "so happy", "lovely kind"],
}
LABELS = sorted(SAID)
ROWS = [
    (f"{start} {said} {end}", label)
    for label, texts in SAID.items()
    for said in texts
    for start in ("the", "my", "again", "it is")
    for end in ("now", "number blue", "order")
]


def _work(folder: Path, **section: object) -> Work:
    prepared, distilled = folder / "prepare", folder / "distil"
    for made in (prepared, distilled, folder / "reflex" / "checkpoint"):
        made.mkdir(parents=True)
    tiny_tokenizer(prepared / TOKENIZER)
    (prepared / "labels.json").write_text(json.dumps(LABELS))
    parts = {"train": ROWS[::2], "validation": ROWS[1::4], "unlabelled": ROWS[3::4]}
    for name, rows in parts.items():
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
        (prepared / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    logits = {
        name: np.float32(4) * np.eye(3, dtype=np.float32)[[LABELS.index(row[1]) for row in rows]]
        for name, rows in parts.items()
    }
    np.savez(distilled / "teacher_logits.npz", allow_pickle=True, **logits)
    tiny_classifier().save_pretrained(distilled / "model")
    chosen = {"epochs": 6, "batch": 8, "learning_rate": 0.03, "channels": 8} | section
    return Work(TrainConfig(reflex=config.Reflex(**chosen)), folder, "reflex", quiet=True)


def test_it_learns_what_the_teacher_says(tmp_path: Path) -> None:
    work = _work(tmp_path)
    measured = run(work)
    assert measured["accuracy"] > 0.9
    assert measured["agreement"] == measured["accuracy"]
    assert measured["bytes"] == (work.folder / FILE).stat().st_size
    assert measured["microseconds"] > 0
    tier = Reflex.load(work.folder / FILE)
    tokens = Tokenizer.load(work.of("prepare") / TOKENIZER, 64).encode(["perfect thanks"])
    assert tier.logits(tokens).argmax() == LABELS.index("positive")


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        work = _work(tmp_path / name, epochs=2)
        torch.manual_seed(hash(name))
        run(work)
        made.append((work.folder / FILE).read_bytes())
    assert made[0] == made[1]


def test_an_interrupted_run_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _work(tmp_path / "whole", epochs=3)
    run(whole)
    cut = _work(tmp_path / "cut", epochs=3)
    judged = []

    def killed(*arguments: object) -> float:
        judged.append(arguments)
        if len(judged) == 2:
            raise KeyboardInterrupt
        return cross_entropy(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("training.learn.reflex.cross_entropy", killed)
        with pytest.raises(KeyboardInterrupt):
            run(cut)
    run(cut)
    assert (cut.folder / FILE).read_bytes() == (whole.folder / FILE).read_bytes()


def test_no_epochs_leave_it_out(tmp_path: Path) -> None:
    work = _work(tmp_path, epochs=0)
    assert run(work) == {"said": "left out", "epochs": 0}
    assert not (work.folder / FILE).exists()


def test_logits_of_other_data_are_refused(tmp_path: Path) -> None:
    work = _work(tmp_path)
    (work.of("prepare") / "unlabelled.jsonl").write_text(json.dumps({"text": "one"}) + "\n")
    with pytest.raises(TrainingError, match="the teacher's logits are not of this data"):
        run(work)


def _network(window: int, labels: int = 3) -> Network:
    torch.manual_seed(window)
    section = config.Reflex(window=window, channels=6)
    network = Network(torch.randn(len(VOCABULARY), 32), labels, section).eval()
    with torch.no_grad():
        for weight in (network.correction, network.bias, network.head.bias):
            weight.normal_()
    return network


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_whole_numbers_compute_what_the_network_does(window: int) -> None:
    network = _network(window, labels=77)
    chance = np.random.default_rng(window)
    tokens = [
        chance.integers(0, len(VOCABULARY), length).tolist() for length in (1, 2, 3, 7, 30, 64)
    ]
    with torch.inference_mode():
        expected = network(tokens).numpy()
    found = Reflex(Path("reflex.npz"), quantised(network)).logits(tokens)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


def test_a_network_of_zeros_becomes_whole_numbers() -> None:
    network = _network(2)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    logits = Reflex(Path("reflex.npz"), quantised(network)).logits([[1, 2]])
    assert logits.tolist() == [[0, 0, 0]]


def test_a_large_bias_becomes_a_whole_number_in_its_range() -> None:
    network = _network(2)
    with torch.no_grad():
        network.bias.fill_(1e6)
    assert np.abs(quantised(network).bias).max() <= 10_000


@pytest.mark.parametrize(("labels", "channels"), [(2, 16), (32, 16), (77, 38), (200, 64)])
def test_more_labels_get_more_channels(labels: int, channels: int) -> None:
    network = Network(torch.randn(5, 4), labels, config.Reflex())
    assert quantised(network).table.shape == (6, 3, channels)


@given(st.floats(0, 1))
def test_a_known_label_has_its_share_of_the_target(hard: float) -> None:
    logits = np.zeros((2, 4), dtype=np.float32)
    targets = targets_of(logits, logits[:1], np.array([3, 0]), hard)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(targets[0, 3], hard + (1 - hard) / 4, rtol=1e-6)
    np.testing.assert_allclose(targets[2], 0.25, rtol=1e-6)


def test_the_loss_of_a_coin_is_the_logarithm_of_two() -> None:
    zeros = np.zeros((3, 2), dtype=np.float32)
    assert cross_entropy(zeros, np.array([0, 1, 1])) == pytest.approx(np.log(2))
