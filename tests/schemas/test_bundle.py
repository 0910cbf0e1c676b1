"""The manifest: what it accepts, and what its version covers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.bundle import (
    Manifest,
    Measure,
    Measured,
    Model,
    Models,
    Thresholds,
    is_consistent,
    version_of,
)

FILES = {"edge.onnx": "a" * 64, "cloud.onnx": "b" * 64, "tokenizer.json": "c" * 64}
MODELS = Models(
    edge=Model(file="edge.onnx", tier="student", temperature=1.1),
    cloud=Model(file="cloud.onnx", tier="teacher", temperature=1.2),
)
THRESHOLDS = Thresholds(
    confidence=0.5, complexity=0.75, audit_rate=0.01, target_edge_share=0.949, chosen="by hand"
)
MEASURE = Measure(
    accuracy=0.8,
    macro_f1=0.8,
    latency_mean_ms=1,
    latency_p95_ms=2,
    messages_per_second=500,
    size_mb=14,
    ece_before=0.1,
    ece_after=0.05,
)


def _manifest() -> Manifest:
    labels = ("no", "yes")
    version = version_of(
        "small", files=FILES, models=MODELS, thresholds=THRESHOLDS, labels=labels, max_tokens=256
    )
    return Manifest(
        version=1,
        bundle_version=version,
        labels=labels,
        max_tokens=256,
        models=MODELS,
        thresholds=THRESHOLDS,
        probes=(),
        measured=Measured(
            split="test",
            messages=10,
            edge=MEASURE,
            cloud=MEASURE,
            disagreements=0,
            edge_only_right=0,
            cloud_only_right=0,
            edge_share=0.95,
            accuracy_kept=0.8,
            hardware={},
            versions={},
        ),
        data=(),
        base_model="base",
        licence="none",
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
        files=FILES,
    )


def _changed(**fields: Any) -> str:
    return json.dumps(_manifest().model_dump(mode="json") | fields)


def test_a_manifest_survives_its_json() -> None:
    manifest = _manifest()
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_a_version_starts_with_the_name() -> None:
    assert _manifest().bundle_version.startswith("small-")


def test_a_manifest_as_made_is_consistent() -> None:
    assert is_consistent(_manifest())


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": ["yes", "no"]},
        {"max_tokens": 128},
        {"files": FILES | {"edge.onnx": "d" * 64}},
        {"thresholds": THRESHOLDS.model_dump() | {"confidence": 0.6}},
        {"models": MODELS.model_dump() | {"edge": MODELS.cloud.model_dump()}},
        {"bundle_version": "small"},
    ],
)
def test_whatever_takes_part_in_a_decision_is_in_the_version(fields: dict[str, Any]) -> None:
    assert not is_consistent(Manifest.model_validate_json(_changed(**fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"version": None},
        {"labels": ["only"]},
        {"files": {"edge.onnx": "not a hash"}},
        {"models": {"edge": MODELS.edge.model_dump()}},
        {"thresholds": THRESHOLDS.model_dump() | {"confidence": 1.5}},
        {"thresholds": THRESHOLDS.model_dump() | {"audit_rate": None}},
        {"max_tokens": 0},
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate_json(_changed(**fields))


def test_a_manifest_must_say_its_format() -> None:
    content = json.loads(_changed())
    del content["version"]
    with pytest.raises(ValidationError):
        Manifest.model_validate_json(json.dumps(content))
