"""Whole runs, from messages to a bundle: once, killed in many steps, changed, and of 77 labels."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("optimum")

from router.bundle import Bundle, load_bundle
from tests.training.whole import whole_config
from training.config import TrainConfig
from training.pipeline import train
from training.steps import NAMES

pytestmark = pytest.mark.train

ROOT = Path(__file__).parents[2]
KILLS = (
    "prepare:unlabelled.jsonl:1",
    "adapt:checkpoint:3",
    "teach:checkpoint:2",
    "teach:checkpoint:12",
    "distil:checkpoint:5",
    "reflex:checkpoint:3",
    "export:student.onnx:1",
    "compress:int8.onnx:1",
    "bundle:student.onnx:1",
)
WEIGHTS = {"student.onnx", "teacher.onnx", "reflex.npz", "tokenizer.json"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs: ``once``, ``killed`` with the same seed, and ``many`` labels."""
    folder = tmp_path_factory.mktemp("runs")
    for name, labels, each in (("once", 3, 60), ("killed", 3, 60), ("many", 77, 10)):
        (folder / "of" / name).mkdir(parents=True)
        config = whole_config(folder / "of" / name, labels, each)
        (folder / f"{name}.json").write_text(config.model_dump_json())
    words = [str(folder / "once"), ",".join([str(folder / "killed"), *KILLS]), str(folder / "many")]
    command = [sys.executable, "-m", "tests.training.whole", *words]
    environment = {**os.environ, "USE_TF": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return folder


@pytest.fixture
def again(runs: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to go on with."""
    return Path(shutil.copytree(runs / "once", tmp_path / "run"))


def _bundle(run: Path) -> Bundle:
    return load_bundle(run / "bundle")


def _config(runs: Path) -> TrainConfig:
    return TrainConfig.model_validate_json((runs / "once.json").read_text())


def _carried_out(config: TrainConfig, run: Path) -> list[str]:
    """Carry the run out and return the steps that were not done before."""
    told: list[tuple[str, float | None]] = []
    train(config, run, quiet=True, told=lambda name, seconds, _: told.append((name, seconds)))
    assert tuple(name for name, _ in told) == NAMES
    return [name for name, seconds in told if seconds is not None]


def test_a_run_has_learned_its_labels(runs: Path) -> None:
    bundle = _bundle(runs / "once")
    assert bundle.manifest.labels == ("label 00", "label 01", "label 02")
    assert bundle.manifest.measured.networks["student"].accuracy > 0.6


def test_a_run_that_was_killed_in_its_steps_gives_the_same_weights(runs: Path) -> None:
    once, killed = (_bundle(runs / name).manifest.files for name in ("once", "killed"))
    assert {name: once[name] for name in WEIGHTS} == {name: killed[name] for name in WEIGHTS}


def test_a_killed_run_does_again_only_what_was_not_finished(runs: Path) -> None:
    log = map(json.loads, (runs / "killed" / "log.jsonl").read_text().splitlines())
    started = Counter(entry["step"] for entry in log if entry["event"] == "started")
    kills = Counter(kill.split(":")[0] for kill in KILLS)
    assert started == {name: 1 + kills[name] for name in NAMES}


def test_a_run_of_77_labels_ends_in_a_bundle(runs: Path) -> None:
    assert len(_bundle(runs / "many").manifest.labels) == 77


def test_a_bundle_names_no_place_of_this_machine(runs: Path) -> None:
    for path in (runs / "once" / "bundle").iterdir():
        content = path.read_bytes()
        assert str(runs).encode() not in content, path.name
        assert b"site-packages" not in content, path.name


def test_a_finished_run_does_nothing_again(runs: Path, again: Path) -> None:
    assert _carried_out(_config(runs), again) == []


@pytest.mark.parametrize(
    ("changes", "done_again"),
    [
        ({"name": "other"}, ["bundle"]),
        ({"calibrate": {"audit_rate": 0.02}}, ["calibrate", "benchmark", "bundle"]),
    ],
    ids=["name", "calibrate"],
)
def test_a_change_does_again_what_depends_on_it(
    runs: Path, again: Path, changes: dict[str, Any], done_again: list[str]
) -> None:
    config = TrainConfig.model_validate(_config(runs).model_dump() | changes)
    assert _carried_out(config, again) == done_again


def test_a_step_whose_file_was_lost_is_done_again_and_nothing_else(runs: Path, again: Path) -> None:
    (again / "prepare" / "labels.json").unlink()
    assert _carried_out(_config(runs), again) == ["prepare"]
