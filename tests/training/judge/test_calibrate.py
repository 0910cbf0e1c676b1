"""The step `calibrate`, on networks that fit in a cup."""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from tests.training.tiny_run import make_run, work_of
from training.config import Calibrate, TrainConfig
from training.judge import calibrate
from training.judge.calibrate import Calibration

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    make_run(run)
    calibrate.run(work_of(run, "calibrate"))
    return run


@pytest.fixture(scope="module")
def found(run: Path) -> Calibration:
    return Calibration.read(work_of(run, "bundle"))


def test_every_tier_gets_a_temperature_and_a_threshold(found: Calibration) -> None:
    assert list(found.tiers) == ["reflex", "student", "teacher"]
    assert all(tier.temperature > 0 for tier in found.tiers.values())
    assert found.tiers["teacher"].threshold == 0.0
    assert found.tiers["reflex"].threshold == found.choice.thresholds["reflex"]


def test_the_target_is_met_on_the_calibration_part(found: Calibration) -> None:
    assert found.met
    assert found.choice.edge_share >= found.target_value == 0.949
    assert "94.9%" in found.chosen


def test_the_choice_is_told_beside_others(found: Calibration) -> None:
    assert len(found.curve) > 10
    assert found.curve[0].edge_share < found.choice.edge_share <= found.curve[-1].edge_share


def test_each_temperature_is_judged_on_messages_it_was_not_fitted_to(found: Calibration) -> None:
    for tier in found.tiers.values():
        assert tier.fitted.after.bins != tier.judged.after.bins
        assert sum(part.messages for part in tier.judged.after.bins) == found.judged


def test_the_same_run_gives_the_same_bytes(run: Path) -> None:
    file = run / "calibrate" / calibrate.FILE
    before = file.read_bytes()
    calibrate.run(work_of(run, "calibrate"))
    assert file.read_bytes() == before


def test_without_a_reflex_tier_the_student_is_asked_first(tmp_path: Path) -> None:
    make_run(tmp_path, with_reflex=False)
    wanted = Calibrate(largest_loss=0.02)
    work = work_of(tmp_path, "calibrate", TrainConfig(calibrate=wanted))
    metrics = calibrate.run(work)
    found = Calibration.read(work)
    assert list(found.tiers) == ["student", "teacher"]
    assert found.met
    assert found.choice.loss <= 0.02
    assert metrics["choice"]["edge_share"] == found.choice.edge_share


def test_a_target_nothing_reaches_is_said(tmp_path: Path) -> None:
    make_run(tmp_path, messages=60)
    wanted = Calibrate(edge_share=1.0)
    work = work_of(tmp_path, "calibrate", TrainConfig(calibrate=wanted))
    calibrate.run(work)
    found = Calibration.read(work)
    assert not found.met
    assert "these come nearest" in found.chosen
