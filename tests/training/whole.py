"""Whole runs of the pipeline, small enough for a test, and processes that are killed in them.

``python -m tests.training.whole RUN[,STEP:FILE:TIMES]... ...`` carries each run out: as many times
as it has such marks and once more. Each time but the last it is killed with SIGKILL when that step
is about to write, for that many times, a file with that in its path. RUN.json configures it.
"""

import importlib
import json
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training import pipeline
from training.config import TrainConfig
from training.steps import STEPS


def whole_config(folder: Path, labels: int = 3, each: int = 60) -> TrainConfig:
    """Write a random encoder and messages to ``folder``; return the configuration of a run."""
    from tests.training.tiny import WORDS, tiny_base

    chance = random.Random(5)
    names = [f"label {number:02}" for number in range(labels)]
    words = {name: chance.sample(WORDS, 3) for name in names}
    rows = [
        {
            "text": " ".join([*chance.sample(words[name], 2), *chance.sample(WORDS, 2)]),
            "label": name,
        }
        for name in names
        for _ in range(each)
    ]
    for name, part in (("labelled", rows), ("unlabelled", rows[:40])):
        # Two letters make each text another one.
        lines = [
            json.dumps(row | {"text": f"{row['text']} {name[0]} {'abcdefgh'[number % 8]}"})
            for number, row in enumerate(part)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    tiny_base(folder / "base")
    sections: dict[str, Any] = {
        "name": "tiny",
        "base": str(folder / "base"),
        "data": {
            "labelled": [{"path": str(folder / "labelled.jsonl")}],
            "unlabelled": [{"path": str(folder / "unlabelled.jsonl")}],
            "pieces": 64,
            "max_tokens": 32,
        },
        "adapt": {"epochs": 1, "batch": 32, "tokens": 32},
        "teach": {"epochs": 3, "batch": 16, "tokens": 32, "learning_rate": 3e-3, "slowdown": 1},
        "distil": {"layers": 1, "epochs": 2, "batch": 16, "tokens": 32, "learning_rate": 3e-3},
        "reflex": {"epochs": 2},
        "benchmark": {"examples": 10, "warm_up": 1},
    }
    return TrainConfig.model_validate(sections)


def main(*runs: str) -> None:
    """Carry the runs out as the words say; fail where a process lived on, or died by itself."""
    for step in STEPS:  # once, and not again in every process
        importlib.import_module(step.module)
    for run, *points in (word.split(",") for word in runs):
        for point in (*points, None):
            child = os.fork()
            if not child:
                _carry_out(Path(run), point)
            _, status = os.waitpid(child, 0)
            if status != (signal.SIGKILL if point else 0):  # 0 is an end of its own, with 0
                sys.exit(f"{run}, to be killed at {point}, ended with status {status}")


def _carry_out(run: Path, point: str | None) -> None:
    """Carry the run out in this process, and end it."""
    if point is not None:
        # Not above: a process that measures memory imports this file again, and should be small.
        from training.learn import schedule

        schedule.CHECKPOINT_SECONDS = 0.0
        _die_at(*point.split(":"))
    try:
        config = run.with_suffix(".json").read_text(encoding="utf-8")
        pipeline.train(TrainConfig.model_validate_json(config), run, quiet=True)
    except BaseException:  # noqa: BLE001 - nothing may return to what this process is a copy of
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _die_at(step: str, file: str, times: str) -> None:
    left = int(times)

    def heard(event: str, words: Sequence[object]) -> None:
        nonlocal left
        writes = event == "os.rename" or (event == "open" and "w" in str(words[1]))
        path = str(words[1 if event == "os.rename" else 0]) if writes else ""
        if f"/{step}/" in path and file in path:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


if __name__ == "__main__":
    main(*sys.argv[1:])
