"""The rows that a benchmark has for a bundle's tiers."""

from itertools import islice
from pathlib import Path

import pytest

from benchmarks import report, texts, tiers
from benchmarks.run import tiers_of
from edgeroute.sample import conversations
from router.bundle import load_bundle
from router.complexity import features
from router.confidence import predictions
from router.policy import keeps
from tests.services.bundles import two_tiers


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_tiers(tmp_path_factory.mktemp("bundles") / "two")


def test_every_tier_has_a_row_the_cloud_s_first_and_the_edge_together_the_last(
    bundle: Path,
) -> None:
    rows = list(tiers_of(bundle))
    assert rows == ["teacher alone", "student alone", "reflex alone", "reflex + student"]


def test_the_student_is_asked_what_the_reflex_passes_on_and_nothing_else(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "SHORTEST_S", 0.0)
    turns = list(islice((t for t in conversations(200) if t.role == "customer"), 40))
    texts.save(turns, tmp_path / "messages.jsonl")
    found = tiers.together(str(bundle), str(tmp_path / "messages.jsonl"), engines=2)
    loaded = load_bundle(bundle)
    models = loaded.manifest.models.edge
    lines = [turn.text for turn in turns]
    logits = loaded.edge(threads=1)[0].logits(loaded.tokenizer().encode(lines))
    said = predictions(logits, models[0].temperature, loaded.manifest.labels)
    policy = tiers.policy_of(loaded, models)
    confidences = [confidence for _, confidence in said]
    passed = keeps(policy, 0, [features(line) for line in lines], confidences).count(False)
    assert 0 < passed < len(lines)
    assert found["asked_reflex"] == 1.0
    assert found["asked_student"] == passed / len(lines)


def test_the_ratio_is_to_the_first_row() -> None:
    runs = {
        "teacher alone": [{"per_second": 50.0, "cpu_ms": 8.0, "asked_teacher": 1.0}],
        "reflex + student": [{"per_second": 900.0, "cpu_ms": 0.5, "asked_student": 0.25}],
    }
    table = report.tiers({"tiers": runs, "others": {}})
    assert "| reflex + student | 900 | 18.00 | 0.500 | student 25.0% |" in table
