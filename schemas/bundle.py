"""The manifest of a model bundle: everything a router must know of the files beside it."""

import hashlib
import json
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.decision import Share
from schemas.record import Record
from schemas.transcript import Moment, Name

MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
"""The two file names that are the same in every bundle."""

Kind = Literal["onnx", "reflex"]
Target = Literal["edge_share", "largest_loss"]
Positive = Annotated[float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Model(Record):
    """One tier's network.

    ``file`` is its file in the bundle and ``kind`` says what can run it; its logits are divided by
    ``temperature``. The tier keeps a message from the confidence ``threshold`` on; the cloud, which
    has nobody to pass anything on to, keeps from 0.
    """

    file: Name
    tier: Name
    kind: Kind
    temperature: Positive
    threshold: Share


class Models(Record):
    """The networks of the edge, in the order in which they are asked, and that of the cloud."""

    edge: tuple[Model, ...] = Field(min_length=1)
    cloud: Model

    @model_validator(mode="after")
    def _names(self) -> Self:
        """Refuse two tiers of one name: probes and records could not tell them apart."""
        if len({model.tier for model in self.all()}) <= len(self.edge):
            raise ValueError("two tiers have the same name")
        return self

    def all(self) -> tuple[Model, ...]:
        """Return every tier's network, the cloud's last."""
        return (*self.edge, self.cloud)


class Thresholds(Record):
    """What the bundle recommends beside its tiers' thresholds, and the target all were chosen for.

    A message stays at the edge when a tier keeps it, its complexity is at most ``complexity``, and
    it is not among the share ``audit_rate`` taken at random. ``target`` says whether
    ``target_value`` is the share wanted at the edge or the largest loss of accuracy against
    cloud-only; ``chosen`` says in words how the tiers' thresholds were found.
    """

    complexity: Share
    audit_rate: Share
    target: Target
    target_value: Share
    chosen: str


class Probe(Record):
    """Token ids of one message and the logits each tier gave, by name, where it was trained.

    Another instruction set rounds 8-bit sums differently; comparing probes tells.
    """

    tokens: tuple[int, ...]
    logits: dict[Name, tuple[float, ...]]


class Interval(Record):
    """A 95 % interval."""

    low: float
    high: float


class Measure(Record):
    """What one network did on held-out messages.

    Latencies are of one message alone in a session with one thread; ``messages_per_second`` is of
    batches of 16 sorted by length, with as many threads as the hardware's entry ``threads`` says.
    ``memory_mb`` is what loading it and a batch add to a fresh process. ``ece`` is the expected
    calibration error before and after the temperature, and ``ece_by_chance`` what a perfectly
    calibrated network would show on average with as many messages. Megabytes are of 1,000,000
    bytes.
    """

    accuracy: Share
    accuracy_interval: Interval
    macro_f1: Share
    latency_mean_ms: Positive
    latency_p50_ms: Positive
    latency_p95_ms: Positive
    messages_per_second: Positive
    size_mb: Positive
    memory_mb: float = Field(ge=0)
    ece_before: Share
    ece_after: Share
    ece_by_chance: Share | None = None


class Retention(Record):
    """What one network, or the system, keeps of another's accuracy on the same messages.

    ``share`` is the accuracy of ``of`` divided by that of ``against``, with a paired interval. The
    two counts are of messages on which only one of them is right, and ``p_value`` is McNemar's
    exact one for them.
    """

    of: Name
    against: Name
    share: float
    interval: Interval
    only_of_right: int = Field(ge=0)
    only_against_right: int = Field(ge=0)
    p_value: Share


class System(Record):
    """What all tiers do together with the bundle's thresholds, the audit included.

    ``tier_shares`` says, by name, whose answer stands how often; ``kept_accuracy`` is how often the
    edge is right on what it keeps, and ``retention`` compares with the cloud alone.
    ``messages_per_second`` is of the edge's tiers together, from text, what they pass on included.
    """

    edge_share: Share
    tier_shares: dict[Name, Share]
    accuracy: Share
    accuracy_interval: Interval
    macro_f1: Share
    kept_accuracy: Share
    retention: Retention
    messages_per_second: Positive | None = None


class Measured(Record):
    """The networks and the system on the same messages, and the machine they were measured on.

    ``networks`` is by name: that of each tier as shipped, and beside them other forms that were
    tried, such as ``student-fp32``. ``faster`` says by what factor a network's throughput, or the
    ``system``'s at the edge with tokenising, exceeds the cloud's, the median of rounds;
    ``untrimmed_mb`` is what the cloud's network would take with its whole vocabulary.
    """

    split: str
    messages: int = Field(gt=0)
    networks: dict[Name, Measure]
    retentions: tuple[Retention, ...]
    system: System
    faster: dict[Name, Positive] = Field(default_factory=dict)
    untrimmed_mb: Positive | None = None
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
    rest, so that two bundles that could decide differently never share one, and two that decide the
    same differ at most in its name.
    """

    version: Literal[2]
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

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse a manifest that leaves open what one of its tiers says or is worth."""
        tiers = {model.tier for model in self.models.all()}
        told = [self.measured.networks.keys(), *(probe.logits.keys() for probe in self.probes)]
        if not all(tiers <= names for names in told):
            raise ValueError("a tier has no measure or is missing in a probe")
        return self


def version_of(
    name: str,
    *,
    files: dict[str, str],
    models: Models,
    thresholds: Thresholds,
    labels: tuple[str, ...],
    max_tokens: int,
) -> str:
    """Return ``name`` and a short hash of everything that takes part in a decision.

    So of ``files`` only the networks and the tokenizer count: a card or a picture that was drawn
    again, with other timings, makes no other bundle of them.
    """
    deciding = {TOKENIZER, *(model.file for model in models.all())}
    content = {
        "files": {file: digest for file, digest in files.items() if file in deciding},
        "models": models.model_dump(mode="json"),
        "thresholds": thresholds.model_dump(mode="json", include={"complexity", "audit_rate"}),
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
