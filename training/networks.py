"""The networks that a run has made, by the names of their tiers."""

from pathlib import Path
from typing import Final

from router.engine import Engine, Network
from router.reflex import Reflex
from training.run_folder import Work

REFLEX: Final = "reflex"
STUDENT: Final = "student"
TEACHER: Final = "teacher"
REFLEX_FILE: Final = "reflex.npz"


def edge(work: Work) -> dict[str, Path]:
    """Return the files of the edge's tiers, in the order in which they are asked."""
    files = {
        REFLEX: work.of("reflex") / REFLEX_FILE,
        STUDENT: work.of("compress") / "student.int8.onnx",
    }
    return {tier: file for tier, file in files.items() if tier != REFLEX or file.exists()}


def cloud(work: Work) -> Path:
    """Return the file of the network for the cloud: the teacher in full precision."""
    return work.of("export") / "teacher.onnx"


def others(work: Work) -> dict[str, Path]:
    """Return the files of the forms that are compared and not shipped."""
    return {
        f"{STUDENT}-fp32": work.of("export") / "student.onnx",
        f"{TEACHER}-int8": work.of("compress") / "teacher.int8.onnx",
    }


def load(path: Path, *, threads: int) -> Network:
    """Return the engine that runs the file; a reflex tier has no use for more than one thread."""
    return Reflex.load(path) if path.suffix == ".npz" else Engine.load(path, threads=threads)
