"""The manifest: what it accepts, and what its version covers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.bundle import (
    Interval,
    Manifest,
    Measure,
    Measured,
    Model,
    Models,
    Retention,
    System,
    Thresholds,
    is_consistent,
    version_of,
)

FILES = {"edge.onnx": "a" * 64, "cloud.onnx": "b" * 64, "tokenizer.json": "c" * 64}
MODELS = Models(
    edge=(
        Model(file="r.npz", tier="reflex", kind="reflex", temperature=1.1, threshold=0.7),
        Model(file="edge.onnx", tier="student", kind="onnx", temperature=1.1, threshold=0.5),
    ),
    cloud=Model(file="cloud.onnx", tier="teacher", kind="onnx", temperature=1.2, threshold=0),
)
EDGE = [model.model_dump() for model in MODELS.edge]
THRESHOLDS = Thresholds(
    complexity=0.75, audit_rate=0.01, target="edge_share", target_value=0.949, chosen="by hand"
)
MEASURE = Measure(
    accuracy=0.8,
    accuracy_interval=Interval(low=0.7, high=0.9),
    macro_f1=0.8,
    latency_mean_ms=1,
    latency_p50_ms=1,
    latency_p95_ms=2,
    messages_per_second=500,
    size_mb=14,
    memory_mb=0,
    ece_before=0.1,
    ece_after=0.05,
)


RETENTION = Retention(
    of="system",
    against="teacher",
    share=1.0,
    interval=Interval(low=0.9, high=1.1),
    only_of_right=0,
    only_against_right=0,
    p_value=1.0,
)


MEASURED = Measured(
    split="test",
    messages=10,
    networks=dict.fromkeys(("reflex", "student", "teacher"), MEASURE),
    retentions=(),
    system=System(
        edge_share=0.95,
        tier_shares={"reflex": 0.7, "student": 0.25, "teacher": 0.05},
        accuracy=0.8,
        accuracy_interval=Interval(low=0.7, high=0.9),
        macro_f1=0.8,
        kept_accuracy=0.8,
        retention=RETENTION,
    ),
    hardware={},
    versions={},
)


def _manifest() -> Manifest:
    labels = ("no", "yes")
    version = version_of(
        "small", files=FILES, models=MODELS, thresholds=THRESHOLDS, labels=labels, max_tokens=256
    )
    return Manifest(
        version=2,
        bundle_version=version,
        labels=labels,
        max_tokens=256,
        models=MODELS,
        thresholds=THRESHOLDS,
        probes=(),
        measured=MEASURED,
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
        {"thresholds": THRESHOLDS.model_dump() | {"complexity": 0.6}},
        {"models": MODELS.model_dump() | {"edge": EDGE[1:]}},
        {"bundle_version": "small"},
    ],
)
def test_whatever_takes_part_in_a_decision_is_in_the_version(fields: dict[str, Any]) -> None:
    assert not is_consistent(Manifest.model_validate_json(_changed(**fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"files": FILES | {"README.md": "d" * 64}},
        {"thresholds": THRESHOLDS.model_dump() | {"chosen": "in other words"}},
        {"licence": "another"},
        {"created_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_decides_nothing_is_not_in_the_version(fields: dict[str, Any]) -> None:
    assert is_consistent(Manifest.model_validate_json(_changed(**fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 1},
        {"version": None},
        {"labels": ["only"]},
        {"files": {"edge.onnx": "not a hash"}},
        {"models": {"edge": EDGE}},
        {"models": MODELS.model_dump() | {"edge": []}},
        {"models": MODELS.model_dump() | {"edge": [*EDGE, EDGE[0]]}},
        {"models": MODELS.model_dump() | {"cloud": EDGE[0]}},
        {"models": MODELS.model_dump() | {"edge": [EDGE[0] | {"kind": "guess"}]}},
        {"thresholds": THRESHOLDS.model_dump() | {"complexity": 1.5}},
        {"thresholds": THRESHOLDS.model_dump() | {"audit_rate": None}},
        {"max_tokens": 0},
        {"measured": MEASURED.model_dump() | {"networks": {"student": MEASURE.model_dump()}}},
        {"probes": [{"tokens": [1, 2], "logits": {"student": [0.5, 0.5]}}]},
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
