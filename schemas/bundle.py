"""The manifest of a model bundle: everything a router must know of the files beside it."""

import hashlib
import json
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.decision import Share
from schemas.record import Record
from schemas.transcript import Moment, Name

MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
"""The two file names that are the same in every bundle."""

Positive = Annotated[float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Model(Record):
    """One tier's network: its file in the bundle, and the temperature its logits are divided by."""

    file: Name
    tier: Name
    temperature: Positive


class Models(Record):
    """The network that answers at the edge and the one that answers in the cloud."""

    edge: Model
    cloud: Model


class Thresholds(Record):
    """What the bundle recommends, and the target it was chosen for.

    A message stays at the edge when its confidence is at least ``confidence`` and its complexity at
    most ``complexity``, and it is not among the share ``audit_rate`` taken at random. ``chosen``
    says in words how ``confidence`` was found.
    """

    confidence: Share
    complexity: Share
    audit_rate: Share
    target_edge_share: Share
    chosen: str


class Probe(Record):
    """Token ids of one message and the logits both networks gave on the machine that trained.

    Another instruction set rounds 8-bit sums differently; comparing probes tells.
    """

    tokens: tuple[int, ...]
    edge: tuple[float, ...]
    cloud: tuple[float, ...]


class Measure(Record):
    """What one network did on held-out messages.

    Latencies are of one message alone; ``messages_per_second`` is of batches of 16 sorted by
    length. All are of the session with one thread. ``ece`` is the expected calibration error before
    and after the temperature. Megabytes are of 1,000,000 bytes.
    """

    accuracy: Share
    macro_f1: Share
    latency_mean_ms: Positive
    latency_p95_ms: Positive
    messages_per_second: Positive
    size_mb: Positive
    ece_before: Share
    ece_after: Share


class Measured(Record):
    """The two networks on the same messages, and the machine they were measured on.

    ``disagreements`` counts messages to which the two give different labels; of those the edge
    alone is right on ``edge_only_right`` and the cloud alone on ``cloud_only_right``, which is what
    a paired test of their accuracies needs. ``edge_share`` and ``accuracy_kept`` are what the
    thresholds keep at the edge before the audit, and how often the edge is right on it.
    """

    split: str
    messages: int = Field(gt=0)
    edge: Measure
    cloud: Measure
    disagreements: int = Field(ge=0)
    edge_only_right: int = Field(ge=0)
    cloud_only_right: int = Field(ge=0)
    edge_share: Share
    accuracy_kept: Share
    hardware: dict[str, str]
    versions: dict[str, str]


class Dataset(Record):
    """A file that was trained or judged on, by public name and content."""

    name: str
    use: str
    rows: int = Field(ge=0)
    sha256: Sha256


class Manifest(Record):
    """Describes a bundle. ``files`` maps each file's path inside the folder to its SHA-256.

    ``labels`` is in the order of the networks' outputs. ``bundle_version`` is `version_of` the
    rest, so that two bundles that could decide differently never share one.
    """

    version: Literal[1]
    bundle_version: Name
    labels: tuple[Name, ...] = Field(min_length=2)
    max_tokens: int = Field(ge=2)
    models: Models
    thresholds: Thresholds
    probes: tuple[Probe, ...]
    measured: Measured
    data: tuple[Dataset, ...]
    base_model: str
    licence: str
    created_at: Moment
    files: dict[str, Sha256]


def version_of(
    name: str,
    *,
    files: dict[str, str],
    models: Models,
    thresholds: Thresholds,
    labels: tuple[str, ...],
    max_tokens: int,
) -> str:
    """Return ``name`` and a short hash of everything that takes part in a decision."""
    content = {
        "files": files,
        "models": models.model_dump(mode="json"),
        "thresholds": thresholds.model_dump(mode="json"),
        "labels": list(labels),
        "max_tokens": max_tokens,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{name}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def is_consistent(manifest: Manifest) -> bool:
    """Return whether ``bundle_version`` is the one that follows from the rest of the manifest."""
    name = manifest.bundle_version.rpartition("-")[0]
    return manifest.bundle_version == version_of(
        name,
        files=manifest.files,
        models=manifest.models,
        thresholds=manifest.thresholds,
        labels=manifest.labels,
        max_tokens=manifest.max_tokens,
    )
