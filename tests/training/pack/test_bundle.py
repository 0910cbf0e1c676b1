"""The step `bundle`, after a run with networks that fit in a cup."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("matplotlib")

from router.bundle import Bundle, load_bundle
from tests.training.tiny_bundle import CONFIG, make_measured_run, measured
from tests.training.tiny_run import LABELS, work_of
from training.data.parts import read_part
from training.judge.calibrate import Calibration
from training.pack import bundle as step
from training.run_folder import Metrics

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    make_measured_run(run)
    return run


@pytest.fixture(scope="module")
def metrics(run: Path) -> Metrics:
    return step.run(work_of(run, "bundle", CONFIG))


@pytest.fixture(scope="module")
def made(run: Path, metrics: Metrics) -> Bundle:
    assert metrics["bundle_version"].startswith("tiny-")
    return load_bundle(run / "bundle")


def test_the_bundle_is_whole_and_answers(made: Bundle) -> None:
    tokens = made.tokenizer().encode(["w1 w2 w3"])
    for network in (*made.edge(threads=1), made.cloud(threads=1)):
        assert network.logits(tokens).shape == (1, len(LABELS))


def test_its_tiers_are_asked_in_order_with_what_was_fitted(run: Path, made: Bundle) -> None:
    found = Calibration.read(work_of(run, "bundle"))
    models = made.manifest.models
    assert [model.tier for model in models.all()] == ["reflex", "student", "teacher"]
    for model in models.all():
        fitted = found.tiers[model.tier]
        assert (model.temperature, model.threshold) == (fitted.temperature, fitted.threshold)


def test_probes_are_what_the_networks_say(made: Bundle) -> None:
    networks = dict(zip(("reflex", "student"), made.edge(threads=1), strict=True))
    for probe in made.manifest.probes:
        for tier, network in networks.items():
            assert network.logits([probe.tokens])[0].tolist() == list(probe.logits[tier])


def test_the_curve_holds_every_choice(run: Path, made: Bundle) -> None:
    content = json.loads((made.folder / "curve.json").read_text())
    found = Calibration.read(work_of(run, "bundle"))
    assert len(content["curve"]) == len(found.curve)
    assert content["choice"]["edge_share"] == found.choice.edge_share


def test_everything_but_the_manifest_is_in_the_manifest(made: Bundle) -> None:
    assert {path.name for path in made.folder.iterdir()} == {*made.manifest.files, "manifest.json"}


def test_measurements_and_data_are_passed_on(made: Bundle) -> None:
    assert made.manifest.measured == measured()
    assert [entry.name for entry in made.manifest.data] == ["posts/a.csv", "talk"]
    assert "posts/a.csv: CC BY 4.0" in made.manifest.licence


def test_the_same_run_gives_the_same_bundle(run: Path, made: Bundle, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "bundle")
    step.run(work_of(tmp_path / "run", "bundle", CONFIG))
    again = load_bundle(tmp_path / "run" / "bundle").manifest
    assert again.files == made.manifest.files
    assert again.bundle_version == made.manifest.bundle_version


def test_other_timings_make_no_other_bundle(run: Path, made: Bundle, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "bundle")
    slower = measured().model_copy(update={"messages": 201})
    file = tmp_path / "run" / "benchmark" / "benchmark.json"
    file.write_text(slower.model_dump_json(), encoding="utf-8")
    step.run(work_of(tmp_path / "run", "bundle", CONFIG))
    again = load_bundle(tmp_path / "run" / "bundle").manifest
    assert again.files["README.md"] != made.manifest.files["README.md"]
    assert again.bundle_version == made.manifest.bundle_version


def test_no_place_of_this_machine_is_named(run: Path, made: Bundle) -> None:
    for path in made.folder.iterdir():
        assert str(run).encode() not in path.read_bytes(), path.name


def test_the_confusions_are_of_every_judging_message(run: Path) -> None:
    work = work_of(run, "bundle", CONFIG)
    counts = step._confusion(work, Calibration.read(work), len(LABELS))
    rows = read_part(run / "prepare" / "judging.jsonl")
    truth = [LABELS.index(row.label) for row in rows]
    assert counts.sum(axis=1).tolist() == np.bincount(truth, minlength=len(LABELS)).tolist()
    assert np.trace(counts) > 0.7 * len(rows)


def test_without_a_reflex_tier_the_student_is_first(run: Path, tmp_path: Path) -> None:
    from training.judge import calibrate

    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "bundle", ignore_errors=True)
    (tmp_path / "run" / "reflex" / "reflex.npz").unlink()
    calibrate.run(work_of(tmp_path / "run", "calibrate"))
    step.run(work_of(tmp_path / "run", "bundle", CONFIG))
    manifest = load_bundle(tmp_path / "run" / "bundle").manifest
    assert [model.tier for model in manifest.models.edge] == ["student"]


def test_a_folder_is_named_without_the_way_to_it(tmp_path: Path) -> None:
    (tmp_path / "encoder").mkdir()
    assert step._public(str(tmp_path / "encoder")) == "encoder"
    assert step._public("distilbert-base-uncased") == "distilbert-base-uncased"
