"""A run's folder: a folder a step, with what it made, what it was made from, and what it measured.

A step is done when its ``done.json`` says so of the same key: a hash of everything the step depends
on. An unfinished step goes on from what its ``checkpoint`` folder holds, unless the key changed.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from training.config import TrainConfig


DONE: Final = "done.json"
STARTED: Final = "started.json"
CHECKPOINT: Final = "checkpoint"

Metrics = dict[str, Any]
"""What a step measured, as JSON."""


@dataclass(frozen=True)
class Work:
    """What a step is given: it writes its outputs to ``folder``."""

    config: "TrainConfig"
    run: Path
    step: str
    quiet: bool = False

    @property
    def folder(self) -> Path:
        """The step's own folder. Everything in it but the checkpoint is an output."""
        return self.run / self.step

    @property
    def checkpoint(self) -> Path:
        """The folder in which an unfinished step keeps what it goes on from; removed when done."""
        return self.folder / CHECKPOINT

    def of(self, step: str) -> Path:
        """Return the folder of a step before this one."""
        return self.run / step


def key_of(dependencies: Mapping[str, object]) -> str:
    """Return a hash of what a step depends on, given as JSON."""
    canonical = json.dumps(dependencies, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def outputs_of(folder: Path) -> dict[str, str] | None:
    """Return the SHA-256 of each file that a finished step made; None while it is unfinished."""
    done = _read(folder / DONE)
    return None if done is None else dict(done["outputs"])


def is_done(folder: Path, key: str) -> bool:
    """Return whether the step is finished, with this key, and its files are as it left them."""
    done = _read(folder / DONE)
    return done is not None and done["key"] == key and _hashes(folder) == done["outputs"]


def begin(work: Work, key: str) -> None:
    """Make the step's folder ready: empty, or with the checkpoint of the same key."""
    started = _read(work.folder / STARTED)
    if started is None or started["key"] != key:
        shutil.rmtree(work.folder, ignore_errors=True)
    else:
        for path in work.folder.iterdir():
            if path.name not in (CHECKPOINT, STARTED):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    work.checkpoint.mkdir(parents=True, exist_ok=True)
    write_whole(work.folder / STARTED, json.dumps({"key": key}))


def finish(work: Work, key: str, metrics: Metrics, seconds: float) -> None:
    """Record that the step is finished."""
    outputs = _hashes(work.folder)
    content = {"key": key, "seconds": seconds, "metrics": metrics, "outputs": outputs}
    write_whole(work.folder / DONE, json.dumps(content, indent=1))
    shutil.rmtree(work.checkpoint, ignore_errors=True)


def metrics_of(folder: Path) -> Metrics:
    """Return what a finished step measured."""
    return dict(json.loads((folder / DONE).read_text(encoding="utf-8"))["metrics"])


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that whoever reads it finds the old content or the new, never a part."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] in (CHECKPOINT, DONE, STARTED) or not path.is_file():
            continue
        with path.open("rb") as stream:
            found[relative.as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
