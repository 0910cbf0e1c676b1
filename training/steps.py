"""The steps of a run, what each depends on, and so what makes one stale."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from training import TrainingError
from training.base_encoder import NAME
from training.run_folder import key_of, outputs_of

if TYPE_CHECKING:
    from training.config import Source, TrainConfig


@dataclass(frozen=True)
class Step:
    """A step is ``run`` in the module of its name, which is in the folder ``room``.

    ``keys`` are the parts of the configuration it reads, ``inputs`` the steps whose files it reads.
    """

    name: str
    room: str
    does: str
    keys: tuple[str, ...]
    inputs: tuple[str, ...]

    @property
    def module(self) -> str:
        """Where its ``run`` is."""
        return f"training.{self.room}.{self.name}"


STEPS: Final = (
    Step(
        "prepare",
        "data",
        "reads, cleans and splits the data; trims the vocabulary",
        ("data", "base"),
        (),
    ),
    Step(
        "adapt",
        "learn",
        "goes on with the encoder's own training, on this text",
        ("adapt", "base"),
        ("prepare",),
    ),
    Step("teach", "learn", "teaches the classifier: the teacher", ("teach",), ("prepare", "adapt")),
    Step(
        "distil",
        "learn",
        "makes the smaller student out of the teacher",
        ("distil",),
        ("prepare", "teach"),
    ),
    Step(
        "reflex",
        "learn",
        "makes the smallest tier, which is asked first",
        ("reflex",),
        ("prepare", "teach", "distil"),
    ),
    Step("export", "shrink", "writes both networks as ONNX", (), ("prepare", "teach", "distil")),
    Step("compress", "shrink", "turns them into 8-bit ones", ("compress",), ("prepare", "export")),
    Step(
        "calibrate",
        "judge",
        "fits temperatures and chooses thresholds for the target",
        ("calibrate",),
        ("prepare", "reflex", "export", "compress"),
    ),
    Step(
        "benchmark",
        "judge",
        "measures every network and the system of them",
        ("benchmark", "calibrate"),
        ("prepare", "reflex", "export", "compress", "calibrate"),
    ),
    Step(
        "bundle",
        "pack",
        "packs what was made, with a card and pictures",
        (
            *("name", "purpose", "licence", "data", "base", "adapt", "teach", "distil", "reflex"),
            *("compress", "calibrate", "benchmark"),
        ),
        (
            *("prepare", "adapt", "teach", "distil", "reflex"),
            *("export", "compress", "calibrate", "benchmark"),
        ),
    ),
)
NAMES: Final = tuple(step.name for step in STEPS)
_HELD_OUT: Final = frozenset({"calibrate", "benchmark", "bundle"})
_READERS: Final[Mapping[str, frozenset[str]]] = {
    "calibration.jsonl": _HELD_OUT,
    "judging.jsonl": _HELD_OUT,
    "data.json": frozenset({"bundle"}),
}
"""Files of the first step that only these steps read, so that other messages to judge by, or
another licence of the data, do not train everything again."""
_OF_A_BASE: Final = frozenset({".bin", ".json", ".model", ".safetensors", ".txt"})
_GENERATOR: Final = Path(__file__).parent / "generator"


def key(step: Step, config: "TrainConfig", run: Path) -> str:
    """Return the hash of all that the step depends on.

    Raises `TrainingError` where a step before it is not finished, or a file of the data is missing.
    """
    read = config.model_dump(mode="json", include=set(step.keys))
    if "data" in read:
        read["data"] = _by_content(read["data"], config)
    if "base" in read:
        read["base"] = _base_content(config.base)
    made: dict[str, Mapping[str, str]] = {}
    for name in step.inputs:
        outputs = outputs_of(run / name)
        if outputs is None:
            raise lacking(step.name, name, run)
        made[name] = {
            file: sha256
            for file, sha256 in outputs.items()
            if name != "prepare" or step.name in _READERS.get(file, NAMES)
        }
    # Every step that reads text cuts it to that many tokens.
    read["max_tokens"] = config.data.max_tokens
    return key_of({"step": step.name, "seed": config.seed, "config": read, "inputs": made})


def lacking(step: str, before: str, run: Path) -> TrainingError:
    """Return what to say where a step cannot be carried out, for want of one before it."""
    return TrainingError(
        f"the step {step} needs what {before} makes of this configuration, which {run} lacks; "
        "run the steps before it, or `edgeroute train` for all"
    )


def files_of(config: "TrainConfig") -> "Iterator[tuple[Source, Path]]":
    """Yield every source that is a file."""
    data = config.data
    for source in (*data.labelled, *data.held_out, *data.test, *data.unlabelled):
        if source.path is not None:
            yield source, source.path


def _by_content(data: dict[str, Any], config: "TrainConfig") -> dict[str, Any]:
    """Put each file's hash in the place of its path: a folder may move, a file may change."""
    hashes = {str(path): _sha256(path) for _, path in files_of(config)}

    def origin(source: dict[str, Any]) -> dict[str, Any]:
        if source["path"] is None:
            return {"generator": _all_of(_GENERATOR.rglob("*.py"))}
        return {"path": hashes[source["path"]]}

    return {
        name: [source | origin(source) for source in value] if isinstance(value, list) else value
        for name, value in data.items()
    }


def _base_content(base: str | None) -> str:
    if base is None:
        return NAME
    files = Path(base).iterdir() if Path(base).is_dir() else ()
    return _all_of(file for file in files if file.suffix in _OF_A_BASE) or base


def _all_of(files: Iterable[Path]) -> str:
    return " ".join(f"{file.name} {_sha256(file)}" for file in sorted(files))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(
            f"there is no readable file {path}; check the paths under data in the configuration"
        ) from error
