"""Processes that are measured: started with settings of their own, ended with us."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.texts import ROOT
from consumers.embedded import end_with_parent
from edgeroute.settings import child_environment

Process = subprocess.Popen[bytes]
ENDS_WITHIN_S: Final = 30.0


class BenchError(Exception):
    """A measurement could not be taken. The message says which and why."""


@contextmanager
def running(module: str, *words: str, log: Path, **changes: str) -> Iterator[Process]:
    """Run ``python -m module words`` with these variables; end it with SIGTERM on leaving."""
    environment = child_environment(changes)
    environment["PYTHONPATH"] = str(ROOT)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def check(child: Process, log: Path) -> None:
    """Raise `BenchError` where a process that should run has ended."""
    if child.poll() is not None:
        said = log.read_text(errors="replace").strip().splitlines()
        raise BenchError(f"{log.stem} ended with code {child.returncode}: {' / '.join(said[-3:])}")


def result_of(
    job: str,
    folder: Path,
    within: float = 300.0,
    variables: Mapping[str, str] | None = None,
    **arguments: str | float,
) -> dict[str, Any]:
    """Run one job of `benchmarks.jobs` in a process of its own; return what it found."""
    words = ("benchmarks.jobs", job)
    answer = folder / f"{job}-{time.monotonic_ns()}.json"
    log = answer.with_suffix(".log")
    given = (str(answer), json.dumps(arguments))
    with running(*words, *given, log=log, **(variables or {})) as child:
        try:
            child.wait(within)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{job} took longer than {within:.0f} s") from None
    return read_answer(answer, log)


def read_answer(answer: Path, log: Path) -> dict[str, Any]:
    """Return what a job wrote, or raise `BenchError` with its last words."""
    if not answer.exists():
        said = log.read_text(errors="replace").strip().splitlines()
        raise BenchError(f"{log.stem} gave no result: {' / '.join(said[-3:])}")
    found: dict[str, Any] = json.loads(answer.read_bytes())
    return found


def settings(**values: str | float) -> Mapping[str, str]:
    """Return settings as variables: ``limits__engines=1`` is EDGEROUTE_LIMITS__ENGINES=1."""
    return {f"EDGEROUTE_{name.upper()}": str(value) for name, value in values.items()}
