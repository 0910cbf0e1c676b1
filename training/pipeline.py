"""The front door of training: from a configuration to a bundle, step by step, going on where a run
ended. Importing it needs none of the training packages."""

import fcntl
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from training import TrainingError, run_folder
from training.config import TrainConfig
from training.hardware import hardware, versions
from training.run_folder import Metrics, Work
from training.steps import STEPS, Step, key, lacking

LOG: Final = "log.jsonl"
CONFIG: Final = "config.json"
ENVIRONMENT: Final = "environment.json"
BUNDLE: Final = "bundle"
_LOCK: Final = ".lock"
_FIRST: Final = frozenset({_LOCK, f".{CONFIG}.part"})
"""All that a run holds which was killed before its configuration was written."""

Told = Callable[[str, float | None, Metrics], None]
"""Hears of each step: its name, the seconds it took or None where it was done already, and what it
measured."""


def train(
    config: TrainConfig,
    run: Path,
    *,
    only: str | None = None,
    quiet: bool = False,
    told: Told = lambda name, seconds, metrics: None,
) -> Path:
    """Carry out every step that is not done, or ``only`` one; return the run's bundle folder.

    A step is done when it was finished with the same configuration, the same seed and the same
    files before it. Raises `TrainingError`, also where a step before ``only`` is not done: it would
    build upon what another configuration made.
    """
    with _alone(run):
        _note(run, config)
        for step in STEPS:
            if only in (None, step.name):
                _carry_out(step, config, run, quiet=quiet, told=told)
            elif not run_folder.is_done(run / step.name, key(step, config, run)):
                raise lacking(only, step.name, run)
            if step.name == only:
                break
    return run / BUNDLE


def _carry_out(step: Step, config: TrainConfig, run: Path, *, quiet: bool, told: Told) -> None:
    given = Work(config=config, run=run, step=step.name, quiet=quiet)
    wanted = key(step, config, run)
    if run_folder.is_done(given.folder, wanted):
        told(step.name, None, run_folder.metrics_of(given.folder))
        return
    run_folder.begin(given, wanted)
    _log(run, step.name, "started")
    started = time.monotonic()
    metrics = _runner(step)(given)
    seconds = time.monotonic() - started
    run_folder.finish(given, wanted, metrics, seconds)
    _log(run, step.name, "finished", seconds=round(seconds, 3), metrics=metrics)
    told(step.name, seconds, metrics)


def _runner(step: Step) -> Callable[[Work], Metrics]:
    # Where TensorFlow is installed, transformers loads it into every process that loads a model,
    # for ten seconds and its warnings. Only `keras_trainer` wants it, in a process of its own.
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    try:
        run: Callable[[Work], Metrics] = importlib.import_module(step.module).run
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs the package {error.name}, which is not installed; "
            "install edgeroute[train]"
        ) from error
    return run


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Keep a second process out of the run's folder; the system lets go when a process dies."""
    if run.exists() and not run.is_dir():
        raise TrainingError(f"{run} is a file; name a folder for the run")
    held = {path.name for path in run.iterdir()} if run.is_dir() else set()
    if held - _FIRST and CONFIG not in held:
        raise TrainingError(f"{run} holds something that is no run; name a new folder")
    run.mkdir(parents=True, exist_ok=True)
    with (run / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TrainingError(
                f"another process works in {run}; wait for it or name another folder"
            ) from error
        yield


def _note(run: Path, config: TrainConfig) -> None:
    """Keep what was asked for, and on what machine with which versions."""
    run_folder.write_whole(run / CONFIG, config.model_dump_json(indent=1) + "\n")
    environment = {"seed": config.seed, "hardware": hardware(), "versions": versions()}
    run_folder.write_whole(run / ENVIRONMENT, json.dumps(environment, indent=1) + "\n")


def _log(run: Path, step: str, event: str, **more: object) -> None:
    line = {"at": datetime.now(UTC).isoformat(), "step": step, "event": event, **more}
    with (run / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
