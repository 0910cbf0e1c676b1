"""Bundles for tests, made from the starter in a moment."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Final

from router.bundle import load_bundle
from router.reflex import Reflex, write
from schemas.bundle import MANIFEST, TOKENIZER, Manifest, Model, version_of
from tests.router.reflexes import random_weights

STARTER: Final = Path(__file__).parents[2] / "models" / "starter"
REFLEX: Final = Model(
    file="guess.npz", tier="reflex", kind="reflex", temperature=1.0, threshold=0.8
)
"""Its guesses are spread: it keeps a good part of any messages, and passes a good part on."""


def two_tiers(folder: Path) -> Path:
    """Write the starter's student and teacher behind a reflex that guesses, and return it."""
    shutil.copytree(STARTER, folder)
    manifest = load_bundle(STARTER).manifest
    path, student = folder / REFLEX.file, manifest.models.edge[-1]
    pieces = len(json.loads((folder / TOKENIZER).read_bytes())["model"]["vocab"])
    write(path, random_weights(len(manifest.labels), pieces))
    models = manifest.models.model_copy(update={"edge": (REFLEX, student)})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files = {**manifest.files, REFLEX.file: digest}
    version = version_of(
        "two-tiers",
        files=files,
        models=models,
        thresholds=manifest.thresholds,
        labels=manifest.labels,
        max_tokens=manifest.max_tokens,
    )
    made = _with_reflex(manifest, path).model_copy(
        update={"bundle_version": version, "models": models, "files": files}
    )
    (folder / MANIFEST).write_text(made.model_dump_json(), encoding="utf-8")
    return folder


def _with_reflex(manifest: Manifest, path: Path) -> Manifest:
    """Return the manifest with what a reflex tier said and measured, made up but for its size."""
    reflex, measured = Reflex.load(path), manifest.measured
    probes = []
    for probe in manifest.probes:
        said = {**probe.logits, "reflex": tuple(reflex.logits([probe.tokens])[0].tolist())}
        probes.append(probe.model_copy(update={"logits": said}))
    student = measured.networks["student"]
    size = {"size_mb": path.stat().st_size / 1e6}
    networks = {**measured.networks, "reflex": student.model_copy(update=size)}
    return manifest.model_copy(
        update={
            "probes": tuple(probes),
            "measured": measured.model_copy(update={"networks": networks}),
        }
    )
