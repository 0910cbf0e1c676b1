"""The command `benchmark`, on the starter bundle and a handful of messages."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn")

from edgeroute.cli import app
from router.bundle import load_manifest
from tests.services.stream import BUNDLE
from training import TrainingError

pytestmark = pytest.mark.train

MESSAGES = [
    ("thank you so much, that was quick", "positive"),
    ("this is the third time that it is broken", "negative"),
    ("where can I see my invoice?", "neutral"),
    ("lovely, it works again", "positive"),
    ("you charged me twice and nobody answers", "negative"),
    ("my number is 123456", "neutral"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "messages.jsonl"
    lines = [json.dumps({"said": text, "mood": label}) for text, label in MESSAGES]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _run(data: Path, *more: str) -> str:
    words = ["benchmark", str(BUNDLE), str(data), "--text-column", "said", *more]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_bundle_is_measured_on_a_file_for_machines(data: Path) -> None:
    found = json.loads(_run(data, "--label-column", "mood", "--examples", "2", "--json"))
    manifest = load_manifest(BUNDLE)
    assert found["bundle_version"] == manifest.bundle_version
    assert list(found["measured"]["networks"]) == [model.tier for model in manifest.models.all()]
    assert found["measured"]["messages"] == len(MESSAGES)
    assert {claim["claimed"] for claim in found["claims"]} == {0.949, 0.935, 20.0, 0.991, 0.84}


def test_people_get_tables_with_every_tier_and_the_claims(data: Path) -> None:
    shown = _run(data, "--label-column", "mood", "--examples", "2")
    for model in load_manifest(BUNDLE).models.all():
        assert model.tier in shown
    for words in ("On 6 messages", "edge, from text", "system of teacher", "Against the article"):
        assert words in shown


def test_a_label_that_the_bundle_does_not_know_is_named(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("said,label\nhello there,confused\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="the data has the label 'confused'"):
        _run(file)


def test_a_column_that_is_missing_is_named(data: Path) -> None:
    with pytest.raises(TrainingError, match="has no 'label'"):
        _run(data)


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["benchmark", str(BUNDLE), str(tmp_path / "none.csv")])
    assert done.exit_code == 2
    assert "There is no file" in done.stderr
