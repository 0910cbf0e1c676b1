"""The step `benchmark`, on networks that fit in a cup."""

import json
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from schemas.bundle import Measured
from tests.training.tiny_run import make_run, work_of
from training.config import Benchmark, TrainConfig
from training.judge import benchmark, calibrate

pytestmark = pytest.mark.train

NETWORKS = {"reflex", "student", "teacher", "student-fp32", "teacher-int8"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    make_run(run)
    calibrate.run(work_of(run, "calibrate"))
    config = TrainConfig(benchmark=Benchmark(examples=20, warm_up=2))
    benchmark.run(work_of(run, "benchmark", config))
    return run


@pytest.fixture(scope="module")
def measured(run: Path) -> Measured:
    return benchmark.read(work_of(run, "bundle"))


def test_every_network_is_measured(measured: Measured) -> None:
    assert set(measured.networks) == NETWORKS
    assert measured.messages == 200
    assert measured.hardware["timed"] == "20"


def test_each_accuracy_lies_in_its_interval(measured: Measured) -> None:
    system = measured.system
    found = [(one.accuracy, one.accuracy_interval) for one in measured.networks.values()]
    for accuracy, wide in (*found, (system.accuracy, system.accuracy_interval)):
        assert wide.low <= accuracy <= wide.high


def test_each_calibration_error_stands_beside_what_chance_shows(measured: Measured) -> None:
    for one in measured.networks.values():
        assert one.ece_by_chance is not None
        assert 0 < one.ece_by_chance < 0.2


def test_the_latencies_are_in_order(measured: Measured) -> None:
    for one in measured.networks.values():
        assert 0 < one.latency_p50_ms <= one.latency_p95_ms


def test_all_others_are_compared_with_the_cloud(measured: Measured) -> None:
    assert {one.of for one in measured.retentions} == NETWORKS - {"teacher"}
    assert {one.against for one in measured.retentions} == {"teacher"}
    for one in (*measured.retentions, measured.system.retention):
        assert one.interval.low <= one.share <= one.interval.high


def test_a_retention_is_the_ratio_of_the_accuracies(measured: Measured) -> None:
    teacher = measured.networks["teacher"].accuracy
    for one in measured.retentions:
        assert one.share == pytest.approx(measured.networks[one.of].accuracy / teacher)
    assert measured.system.retention.share == pytest.approx(measured.system.accuracy / teacher)


def test_the_system_answers_everything_once(measured: Measured) -> None:
    system = measured.system
    assert list(system.tier_shares) == ["reflex", "student", "teacher"]
    assert sum(system.tier_shares.values()) == pytest.approx(1.0)
    assert system.edge_share == pytest.approx(1 - system.tier_shares["teacher"])
    assert 0.85 < system.edge_share < 1.0


def test_throughputs_are_compared_with_the_cloud(measured: Measured) -> None:
    assert set(measured.faster) == NETWORKS - {"teacher"} | {"system"}
    assert measured.system.messages_per_second is not None


def test_what_is_judged_is_the_same_each_time(
    run: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "memory_mb", lambda path, tokens: 0.0)
    benchmark.run(work_of(run, "benchmark", TrainConfig(benchmark=Benchmark(examples=5))))
    again = benchmark.read(work_of(run, "bundle"))
    assert again.retentions == measured.retentions
    timings = {"messages_per_second"}
    assert again.system.model_dump(exclude=timings) == measured.system.model_dump(exclude=timings)


def test_the_size_with_the_whole_vocabulary_is_told(run: Path, tmp_path: Path) -> None:
    whole = {"model_type": "bert", "vocab_size": 1_042, "hidden_size": 500}
    (tmp_path / "config.json").write_text(json.dumps(whole), encoding="utf-8")
    (run / "prepare" / "kept.json").write_text(json.dumps([*range(42)]), encoding="utf-8")
    work = work_of(run, "benchmark", TrainConfig(base=str(tmp_path)))
    teacher_mb = (run / "export" / "teacher.onnx").stat().st_size / 1e6
    assert benchmark._untrimmed_mb(work) == pytest.approx(teacher_mb + 2.0)


def test_a_base_that_does_not_tell_its_width_costs_no_more_than_that_figure(
    run: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"d_model": 500}', encoding="utf-8")
    (run / "prepare" / "kept.json").write_text(json.dumps([*range(42)]), encoding="utf-8")
    work = work_of(run, "benchmark", TrainConfig(base=str(tmp_path)))
    assert benchmark._untrimmed_mb(work) is None
