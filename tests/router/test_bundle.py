"""The starter bundle loads; a bundle with anything wrong in it does not."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.bundle import BundleError, load_bundle, load_manifest
from router.reflex import write
from schemas.bundle import MANIFEST, TOKENIZER, Manifest, version_of
from tests.router.messages import STARTER
from tests.router.reflexes import random_weights
from tests.services.bundles import REFLEX, two_tiers

FILES = ("reflex.npz", "student.onnx", "teacher.onnx", TOKENIZER, "README.md")
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the starter bundle that a test may spoil."""
    return Path(shutil.copytree(STARTER, tmp_path / "copy"))


def _edit(folder: Path, change: Change, *, sign: bool = False) -> None:
    """Change the manifest; ``sign`` corrects its version, as somebody with our code could."""
    path = folder / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    if sign:
        manifest = Manifest.model_validate_json(json.dumps(content))
        content["bundle_version"] = version_of(
            "copy",
            files=manifest.files,
            models=manifest.models,
            thresholds=manifest.thresholds,
            labels=manifest.labels,
            max_tokens=manifest.max_tokens,
        )
    path.write_text(json.dumps(content), encoding="utf-8")


def _refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    assert "edgeroute train" in message
    return message


def test_the_starter_answers_a_message() -> None:
    bundle = load_bundle(STARTER)
    tokens = bundle.tokenizer().encode(["thanks, that was great!"])
    logits = bundle.edge(threads=1)[-1].logits(tokens)
    assert bundle.manifest.labels[int(logits.argmax())] == "positive"


def test_the_starter_is_as_small_as_promised() -> None:
    models = load_manifest(STARTER).models
    edge = sum((STARTER / model.file).stat().st_size for model in models.edge)
    assert edge <= 10_000_000
    assert (STARTER / models.cloud.file).stat().st_size <= 60_000_000


def test_the_starter_asks_a_reflex_before_its_student() -> None:
    assert [model.tier for model in load_manifest(STARTER).models.edge] == ["reflex", "student"]


def test_the_starter_names_no_place_of_the_machine_that_made_it() -> None:
    for path in STARTER.iterdir():
        content = path.read_bytes()
        for place in (b"/tmp/", b"/home/", b"/root/", b"site-packages"):
            assert place not in content, path.name


def test_probes_are_reproduced() -> None:
    bundle = load_bundle(STARTER)
    models = bundle.manifest.models
    for model in models.all():
        network = bundle.engine(model, threads=1)
        # Another instruction set rounds otherwise, but never by this much.
        allowed = 1e-3 if model is models.cloud else 0.3
        for probe in bundle.manifest.probes:
            said = network.logits([probe.tokens])[0]
            assert np.allclose(said, probe.logits[model.tier], atol=allowed)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert "is no model bundle" in _refusal(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "is no model bundle" in _refusal(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x")
    assert "is no model bundle" in _refusal(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"nonsense"])
def test_a_manifest_that_is_not_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    assert "manifest.json is not JSON" in _refusal(folder)


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"version": 3}', b"null"])
def test_a_manifest_of_something_else_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    assert "manifest.json" in _refusal(folder)


def test_a_later_format_is_refused(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest.update(version=3))
    assert "a format this program does not know" in _refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"its file {name} is missing" in _refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_one_other_bit_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert f"its file {name} is damaged" in _refusal(folder)


def test_a_truncated_file_is_refused(folder: Path) -> None:
    os.truncate(folder / "student.onnx", 4096)
    assert "its file student.onnx is damaged" in _refusal(folder)


def test_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / TOKENIZER).unlink()
    (folder / TOKENIZER).mkdir()
    assert f"its file {TOKENIZER} is missing" in _refusal(folder)


def test_a_threshold_changed_by_hand_is_refused(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest["models"]["edge"][0].update(threshold=0.0))
    assert "its manifest was changed" in _refusal(folder)


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../outside", "..\\outside"])
def test_a_file_outside_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "outside").write_bytes(b"x")
    _edit(folder, lambda manifest: manifest["files"].update({name: "0" * 64}), sign=True)
    assert "which is not inside it" in _refusal(folder)


def test_a_link_that_leads_outside_is_refused(folder: Path) -> None:
    (folder / "student.onnx").rename(folder.parent / "student.onnx")
    (folder / "student.onnx").symlink_to(folder.parent / "student.onnx")
    assert "a link that leads out of it" in _refusal(folder)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "student.onnx").rename(folder / "data")
    (folder / "student.onnx").symlink_to("data")
    assert load_bundle(folder).edge(threads=1)[-1].labels == 3


def test_a_model_without_a_hash_is_refused(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest["files"].pop("student.onnx"), sign=True)
    assert "gives no hash for student.onnx" in _refusal(folder)


def test_a_model_with_other_labels_is_refused(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest["labels"].append("angry"), sign=True)
    with pytest.raises(BundleError, match="knows 3 labels and the manifest names 4"):
        load_bundle(folder).edge(threads=1)[-1]


def test_a_whole_bundle_passes_its_check(tmp_path: Path) -> None:
    load_bundle(two_tiers(tmp_path / "two")).check()


def test_a_tier_that_does_not_know_every_word_piece_is_refused(tmp_path: Path) -> None:
    folder = two_tiers(tmp_path / "two")
    write(folder / REFLEX.file, random_weights(3, pieces=100))
    digest = hashlib.sha256((folder / REFLEX.file).read_bytes()).hexdigest()
    _edit(folder, lambda manifest: manifest["files"].update({REFLEX.file: digest}), sign=True)
    with pytest.raises(BundleError, match=r"guess\.npz does not know every word piece"):
        load_bundle(folder).check()
