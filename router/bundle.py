"""A folder with everything needed to score messages, checked before it is used."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple, Protocol

from pydantic import ValidationError

from router.engine import Engine, EngineError, Network
from router.reflex import Reflex
from router.tokenizer import Tokenizer, TokenizerError
from schemas.bundle import MANIFEST, TOKENIZER, Kind, Manifest, Model, is_consistent

_REMEDY = "get a fresh copy of the bundle or make one with `edgeroute train`"


def _reflex(path: Path, *, threads: int, pieces: int) -> Reflex:
    return Reflex.load(path)  # its file says how many pieces it knows


class _Load(Protocol):
    def __call__(self, path: Path, *, threads: int, pieces: int) -> Network: ...


class ModelKind(NamedTuple):
    """How a kind of model is loaded, and whether it answers in microseconds and pads nothing."""

    load: _Load
    instant: bool


KINDS: Final[dict[Kind, ModelKind]] = {
    "onnx": ModelKind(Engine.load, instant=False),
    "reflex": ModelKind(_reflex, instant=True),
}


class BundleError(Exception):
    """A bundle cannot be used. The message is one sentence: the folder, the fault, the remedy."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: every file was present and unaltered when `load_bundle` returned it."""

    folder: Path
    manifest: Manifest

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer of all networks, read once; threads can share it."""
        return self._tokenizer

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        try:
            return Tokenizer.load(self.folder / TOKENIZER, self.manifest.max_tokens)
        except TokenizerError as error:
            raise BundleError(f"{error}; {_REMEDY}") from error

    def check(self) -> None:
        """Load everything, or raise `BundleError`.

        Each model is asked about the tokenizer's last word piece: one that knows fewer would answer
        nearly every message, and fail on the others.
        """
        last = self.tokenizer().pieces - 1
        for model in self.manifest.models.all():
            engine = self.engine(model, threads=1)
            try:
                engine.logits([[last]])
            except EngineError as error:
                fault = f"{model.file} does not know every word piece of {TOKENIZER}"
                raise _fault(self.folder, fault) from error

    def edge(self, *, threads: int) -> tuple[Network, ...]:
        """Return new engines of the networks of the edge, in the order in which they are asked."""
        return tuple(self.engine(model, threads=threads) for model in self.manifest.models.edge)

    def cloud(self, *, threads: int) -> Network:
        """Return a new engine of the network that answers in the cloud."""
        return self.engine(self.manifest.models.cloud, threads=threads)

    def is_instant(self, model: Model) -> bool:
        """Whether a message costs the model microseconds; threads can share its engine then."""
        return KINDS[model.kind].instant

    def engine(self, model: Model, *, threads: int) -> Network:
        """Return a new engine of one of the manifest's models, or raise `BundleError`."""
        pieces = self.tokenizer().pieces
        try:
            engine = KINDS[model.kind].load(
                self.folder / model.file, threads=threads, pieces=pieces
            )
        except EngineError as error:
            raise BundleError(str(error)) from error
        if engine.labels != len(self.manifest.labels):
            raise _fault(
                self.folder,
                f"{model.file} knows {engine.labels} labels and the manifest names "
                f"{len(self.manifest.labels)}",
            )
        return engine


def load_bundle(folder: Path) -> Bundle:
    """Return the bundle in ``folder`` after checking it whole, or raise `BundleError`."""
    manifest = load_manifest(folder)
    named = {*(model.file for model in manifest.models.all()), TOKENIZER}
    for file in sorted(named - manifest.files.keys()):
        raise _fault(folder, f"its manifest gives no hash for {file}")
    for file, expected in sorted(manifest.files.items()):
        _verify(folder, file, expected)
    return Bundle(folder=folder, manifest=manifest)


def load_manifest(folder: Path) -> Manifest:
    """Return the manifest alone, without a look at the files it names, or raise `BundleError`."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise BundleError(
            f"{folder} is no model bundle, because {MANIFEST} cannot be read in it; "
            "name a bundle's folder or make one with `edgeroute train`"
        ) from error
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise _fault(folder, _manifest_fault(error)) from error
    if not is_consistent(manifest):
        raise _fault(folder, "its manifest was changed after it was made")
    return manifest


def _manifest_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return f"{MANIFEST} is not JSON"
    if first["loc"] == ("version",):
        return f"{MANIFEST} has a format this program does not know"
    where = ".".join(map(str, first["loc"]))
    return f"{MANIFEST} breaks the rule {first['type']} at {where}"


def _verify(folder: Path, file: str, expected: str) -> None:
    relative = PurePosixPath(file)
    if relative.is_absolute() or ".." in relative.parts or "\\" in file or "\x00" in file:
        raise _fault(folder, f"its manifest names {file!r}, which is not inside it")
    path = folder / relative
    try:
        # A link may lead anywhere, so the place it ends in is what must be inside.
        inside = path.resolve().is_relative_to(folder.resolve())
        if not inside:
            raise _fault(folder, f"its file {file} is a link that leads out of it")
        if not path.is_file():
            raise _fault(folder, f"its file {file} is missing")
        with path.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _fault(folder, f"its file {file} cannot be read") from error
    if actual != expected:
        raise _fault(folder, f"its file {file} is damaged or was changed")


def _fault(folder: Path, fault: str) -> BundleError:
    return BundleError(f"the bundle {folder} cannot be used, because {fault}; {_REMEDY}")
