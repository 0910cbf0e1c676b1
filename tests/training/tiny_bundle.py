"""A run's folder as the steps before `bundle` leave it, with measurements made up."""

import json
from pathlib import Path

from schemas.bundle import Interval, Measure, Measured, Retention, System
from tests.training.tiny_run import make_run, work_of
from training import run_folder
from training.config import Data, Source, TrainConfig
from training.judge import calibrate
from training.steps import NAMES

CONFIG = TrainConfig(
    name="tiny",
    purpose="For tests | and nothing else.",
    licence="cc-by-nc-sa-4.0",
    data=Data(
        labelled=(Source(path=Path("posts/a.csv"), name="org/posts"),),
        held_out=(Source(path=Path("talk"), name="talk"),),
    ),
)
SHARE = Interval(low=0.79, high=0.83)


def measured() -> Measured:
    """Return figures of five networks and the system."""
    milliseconds = {"reflex": 0.05, "student": 1.5, "teacher": 6.0}
    names = (*milliseconds, "student-fp32", "teacher-int8")
    networks = {name: _measure(milliseconds.get(name.partition("-")[0], 1.0)) for name in names}
    return Measured(
        split="judging",
        messages=200,
        networks=networks,
        retentions=(_retention("reflex"), _retention("student")),
        system=System(
            edge_share=0.95,
            tier_shares={"reflex": 0.7, "student": 0.25, "teacher": 0.05},
            accuracy=0.8123,
            accuracy_interval=SHARE,
            macro_f1=0.7,
            kept_accuracy=0.82,
            retention=_retention("system"),
            messages_per_second=9_876.0,
        ),
        faster={"student": 5.6, "system": 15.5},
        untrimmed_mb=90.0,
        hardware={"processor": "a processor", "cores": "2"},
        versions={"python": "3.11"},
    )


def make_measured_run(run: Path) -> None:
    """Write what the steps up to `benchmark` would have."""
    make_run(run)
    calibrate.run(work_of(run, "calibrate"))
    (run / "benchmark").mkdir()
    content = measured().model_dump_json()
    (run / "benchmark" / "benchmark.json").write_text(content, encoding="utf-8")
    entries = [
        {"name": name, "use": use, "rows": 200, "sha256": "a" * 64, "licence": "CC BY 4.0"}
        for name, use in (("posts/a.csv", "training"), ("talk", "calibration and judging"))
    ]
    (run / "prepare" / "data.json").write_text(json.dumps(entries), encoding="utf-8")
    for name in NAMES[:-1]:
        run_folder.finish(work_of(run, name), "key", {"said": f"{name} went well"}, 1.0)


def _measure(milliseconds: float) -> Measure:
    return Measure(
        accuracy=0.81,
        accuracy_interval=SHARE,
        macro_f1=0.7,
        latency_mean_ms=milliseconds,
        latency_p50_ms=milliseconds,
        latency_p95_ms=milliseconds * 2,
        messages_per_second=1000 / milliseconds,
        size_mb=1.5,
        memory_mb=20.0,
        ece_before=0.05,
        ece_after=0.01,
    )


def _retention(of: str) -> Retention:
    return Retention(
        of=of,
        against="teacher",
        share=0.995,
        interval=Interval(low=0.98, high=1.01),
        only_of_right=3,
        only_against_right=4,
        p_value=1.0,
    )
