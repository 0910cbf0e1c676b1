"""What the commands about bundles say, on the starter bundle and on altered copies of it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edgeroute.cli import app
from edgeroute.report.bundles import differences
from router.bundle import load_bundle
from schemas.bundle import MANIFEST, TOKENIZER, Manifest, version_of
from tests.services.stream import BUNDLE
from training.run_folder import write_whole

Change = Callable[[dict[str, Any]], object]


def copy(folder: Path, change: Change) -> Path:
    """Return a copy of the starter bundle whose manifest was changed, with the version to match."""
    shutil.copytree(BUNDLE, folder)
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    write_whole(folder / MANIFEST, json.dumps(content))
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    content["bundle_version"] = version_of(
        "copy",
        files=manifest.files,
        models=manifest.models,
        thresholds=manifest.thresholds,
        labels=manifest.labels,
        max_tokens=manifest.max_tokens,
    )
    write_whole(folder / MANIFEST, json.dumps(content))
    return folder


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["bundle", *words], env={"COLUMNS": "160"})
    return done.exit_code, done.stdout


def renamed(content: dict[str, Any], tier: str, name: str) -> dict[str, Any]:
    """Return the manifest with another name for a tier, wherever it is named."""
    found: dict[str, Any] = json.loads(json.dumps(content).replace(f'"{tier}"', f'"{name}"'))
    return found


def tier(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["models"]["edge"][0]
    return found


def test_show_names_every_tier_and_label() -> None:
    manifest = load_bundle(BUNDLE).manifest
    code, said = run("show", str(BUNDLE))
    assert code == 0
    assert all(model.tier in said and model.file in said for model in manifest.models.all())
    assert all(label in said for label in manifest.labels)


def test_show_as_json_is_the_manifest() -> None:
    _, said = run("show", str(BUNDLE), "--json")
    assert Manifest.model_validate_json(said) == load_bundle(BUNDLE).manifest


def test_a_bundle_beside_itself_is_the_same() -> None:
    code, said = run("diff", str(BUNDLE), str(BUNDLE))
    assert code == 0
    assert "They decide the same" in said
    assert "Difference" not in said


def test_another_name_or_measurement_decides_nothing(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["measured"]["system"]["accuracy"] = 0.5
        content["licence"] = "another"

    code, said = run("diff", str(BUNDLE), str(copy(tmp_path / "b", change)))
    assert code == 0
    assert "50.0%" in said
    assert "licence" in said


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("labels", lambda content: content.update(labels=["negative", "none", "positive"])),
        ("most word pieces", lambda content: content.update(max_tokens=64)),
        ("reflex: temperature", lambda content: tier(content).update(temperature=2.0)),
        ("reflex: threshold", lambda content: tier(content).update(threshold=0.9)),
        ("tiers", lambda content: content.update(renamed(content, "student", "small"))),
        ("audited", lambda content: content["thresholds"].update(audit_rate=0.5)),
    ],
)
def test_what_decides_otherwise_is_named(tmp_path: Path, what: str, change: Change) -> None:
    one, other = load_bundle(BUNDLE), load_bundle(copy(tmp_path / "b", change))
    assert what in {found.what for found in differences(one, other) if found.decides}


def test_bundles_that_decide_otherwise_end_with_1(tmp_path: Path) -> None:
    other = copy(tmp_path / "b", lambda content: tier(content).update(threshold=0.9))
    code, said = run("diff", str(BUNDLE), str(other))
    assert code == 1
    assert "They can decide differently." in said


def test_pieces_of_a_vocabulary_are_counted(tmp_path: Path) -> None:
    content = json.loads((BUNDLE / TOKENIZER).read_text())
    pieces = content["model"]["vocab"]
    last = max(pieces, key=pieces.get)
    pieces["no such piece"] = pieces.pop(last)
    changed = json.dumps(content)

    def change(manifest: dict[str, Any]) -> None:
        (tmp_path / "b" / TOKENIZER).write_text(changed)
        manifest["files"][TOKENIZER] = hashlib.sha256(changed.encode()).hexdigest()

    found = differences(load_bundle(BUNDLE), load_bundle(copy(tmp_path / "b", change)))
    assert [entry.what for entry in found] == ["vocabulary"]
    assert "1 only here" in found[0].one


def test_a_folder_that_is_no_bundle_ends_with_2(tmp_path: Path) -> None:
    from router.bundle import BundleError

    done = CliRunner().invoke(app, ["bundle", "diff", str(BUNDLE), str(tmp_path)])
    assert isinstance(done.exception, BundleError)
