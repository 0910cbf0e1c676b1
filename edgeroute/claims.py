"""The article's headline figures beside ours: each claim, what was measured, and whether it is met.

Some come from the run, some from what the bundle's manifest says of its two models. What cannot be
told is None, and so is then whether the claim is met.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from router.claims import ACCURACY_KEPT, EDGE_SHARE, INFERENCE_MS, SAVING, SMALLER
from router.economics import Prices, saving_at
from router.health import LATENCY_MS
from schemas.bundle import Manifest, Measure

PROCESSING_MS: Final = LATENCY_MS
"""Where the 95th percentile of processing is worth an alert; the article claims nothing of it."""


Source = Literal["run", "bundle"]


class Network(BaseModel):
    """What one network did on held-out messages, each alone, with one thread."""

    model_config = ConfigDict(frozen=True)

    accuracy: float
    latency_mean_ms: float
    latency_p95_ms: float
    messages_per_second: float
    size_mb: float


class Models(BaseModel):
    """The bundle's two networks side by side, as its manifest has them.

    ``accuracy_kept`` and ``smaller`` say what the edge's network keeps of the cloud's accuracy, and
    by what share it is smaller.
    """

    model_config = ConfigDict(frozen=True)

    bundle_version: str
    messages: int
    processor: str | None
    edge: Network
    cloud: Network
    accuracy_kept: float | None
    smaller: float
    latency_change: float


class Claim(BaseModel):
    """One line of the comparison.

    ``met`` is whether ``measured`` is at least ``claimed`` (shares) or below it (milliseconds).
    ``source`` says whether it is a figure of the run or one of the bundle's manifest.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    source: Source
    unit: Literal["share", "ms"]
    claimed: float
    measured: float | None
    met: bool | None
    note: str | None


def models(manifest: Manifest) -> Models:
    """Return the comparison of the two networks that ``manifest`` holds."""
    measured = manifest.measured
    tiers = [measured.networks[model.tier] for model in manifest.models.all()]
    edge, cloud = tiers[-2], tiers[-1]
    edge_mb = sum(measure.size_mb for measure in tiers[:-1])
    return Models(
        bundle_version=manifest.bundle_version,
        messages=measured.messages,
        processor=measured.hardware.get("processor"),
        edge=_network(edge),
        cloud=_network(cloud),
        accuracy_kept=edge.accuracy / cloud.accuracy if cloud.accuracy else None,
        smaller=1 - edge_mb / cloud.size_mb,
        latency_change=edge.latency_mean_ms / cloud.latency_mean_ms - 1,
    )


def run_claims(
    *,
    edge_share: float | None,
    without_audit: float | None,
    saving: float | None,
    largest_saving: float | None,
    inference_p95_ms: float | None,
    processing_p95_ms: float | None,
) -> tuple[Claim, ...]:
    """Return what a run says of the claims, and of the alert's limit.

    ``largest_saving`` is what could be saved at most, with everything at the edge; None where the
    cloud is free.
    """
    audit = None if without_audit is None else f"{without_audit:.1%} had nothing been audited"
    bound = None if largest_saving is None else f"at most {largest_saving:.1%}, all at the edge"
    return (
        _at_least("answered at the edge", EDGE_SHARE, edge_share, "run", audit),
        _at_least("saved against cloud-only", SAVING, saving, "run", bound),
        _below("edge inference, p95", INFERENCE_MS, inference_p95_ms, "run", "whole micro-batches"),
        _below(
            "edge processing, p95",
            PROCESSING_MS,
            processing_p95_ms,
            "run",
            "the alert's limit, not a claim",
        ),
    )


def bundle_claims(found: Models | None) -> tuple[Claim, ...]:
    """Return what a bundle says of the claims; nothing of any where there is none."""
    if found is None:
        alone = kept = smaller = None
        notes: tuple[str | None, ...] = (None, None, None)
    else:
        alone, kept, smaller = found.edge.latency_p95_ms, found.accuracy_kept, found.smaller
        notes = (
            "one message alone, one thread",
            f"{found.edge.accuracy:.1%} of {found.cloud.accuracy:.1%} correct",
            f"{found.edge.size_mb:,.1f} MB instead of {found.cloud.size_mb:,.1f} MB",
        )
    return (
        _below("edge model's inference, p95", INFERENCE_MS, alone, "bundle", notes[0]),
        _at_least("accuracy kept", ACCURACY_KEPT, kept, "bundle", notes[1]),
        _at_least("model smaller by", SMALLER, smaller, "bundle", notes[2]),
    )


def measured_claims(manifest: Manifest) -> tuple[Claim, ...]:
    """Return what the measurements in a manifest say of all claims, the audit and prices included.

    The saving is at the reference's prices. Where it is known, the size with the whole vocabulary
    has a line of its own.
    """
    system, whole = manifest.measured.system, manifest.measured.untrimmed_mb
    prices = Prices()
    saving = saving_at(system.edge_share, prices)
    most = f"at most {saving_at(1.0, prices):.1%} at its prices, all at the edge"
    kept = system.retention.interval
    between = f"95 % between {kept.low:.1%} and {kept.high:.1%}"
    found = models(manifest)
    claims = (
        _at_least("answered at the edge", EDGE_SHARE, system.edge_share, "bundle", None),
        _at_least("saved against cloud-only", SAVING, saving, "bundle", most),
        *bundle_claims(found),
        _at_least(
            "accuracy kept by the system", ACCURACY_KEPT, system.retention.share, "bundle", between
        ),
    )
    if whole is None:
        return claims
    edge_mb = found.cloud.size_mb * (1 - found.smaller)
    note = f"{edge_mb:,.1f} MB instead of {whole:,.1f} MB"
    smaller = 1 - edge_mb / whole
    return (
        *claims,
        _at_least("smaller than the uncut model", SMALLER, smaller, "bundle", note),
    )


def _network(measure: Measure) -> Network:
    return Network(
        accuracy=measure.accuracy,
        latency_mean_ms=measure.latency_mean_ms,
        latency_p95_ms=measure.latency_p95_ms,
        messages_per_second=measure.messages_per_second,
        size_mb=measure.size_mb,
    )


def _at_least(
    name: str, claimed: float, measured: float | None, source: Source, note: str | None
) -> Claim:
    met = None if measured is None else measured >= claimed
    return Claim(
        name=name,
        source=source,
        unit="share",
        claimed=claimed,
        measured=measured,
        met=met,
        note=note,
    )


def _below(
    name: str, claimed: float, measured: float | None, source: Source, note: str | None
) -> Claim:
    met = None if measured is None else measured < claimed
    return Claim(
        name=name, source=source, unit="ms", claimed=claimed, measured=measured, met=met, note=note
    )
