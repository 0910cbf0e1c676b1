"""The article's headline figures beside ours: each claim, what was measured, and whether it is met.

Some come from the run, some from what the bundle's manifest says of its models. What cannot be
told is None, and so is then whether the claim is met.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from router.claims import ACCURACY_KEPT, EDGE_SHARE, INFERENCE_MS, SAVING, SMALLER
from router.economics import Prices, saving_at
from router.health import LATENCY_MS
from schemas.bundle import Manifest, Measure, Retention

PROCESSING_MS: Final = LATENCY_MS
"""Where the 95th percentile of processing is worth an alert; the article claims nothing of it."""


Source = Literal["run", "bundle"]
_OPEN: Final[tuple[float | None, str | None]] = (None, None)


class Network(BaseModel):
    """What one tier's network did on held-out messages, each alone, with one thread."""

    model_config = ConfigDict(frozen=True)

    tier: str
    accuracy: float
    latency_mean_ms: float
    latency_p95_ms: float
    messages_per_second: float
    size_mb: float


class Kept(BaseModel):
    """What is kept of the cloud's accuracy on the same messages, with a 95 % interval."""

    model_config = ConfigDict(frozen=True)

    accuracy: float
    share: float
    low: float
    high: float


class Models(BaseModel):
    """The bundle's networks side by side, as its manifest has them.

    ``edge`` are its tiers in the order in which they are asked, and ``edge_mb`` their sizes
    together, which are by the share ``smaller`` less than the cloud's. ``model`` is what the last
    of them, which is asked the hardest messages, keeps by itself, None where the bundle does not
    say; ``system`` what all tiers do together with the bundle's thresholds, of which ``edge_share``
    stays at the edge.
    """

    model_config = ConfigDict(frozen=True)

    bundle_version: str
    messages: int
    processor: str | None
    edge: tuple[Network, ...]
    cloud: Network
    edge_mb: float
    smaller: float
    model: Kept | None
    system: Kept
    edge_share: float

    @property
    def networks(self) -> tuple[Network, ...]:
        """Every tier's, the cloud's last."""
        return (*self.edge, self.cloud)


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
    """Return the comparison of the networks that ``manifest`` holds."""
    measured, tiers = manifest.measured, [model.tier for model in manifest.models.all()]
    *edge, cloud = (_network(tier, measured.networks[tier]) for tier in tiers)
    edge_mb = sum(network.size_mb for network in edge)
    of_model = [r for r in measured.retentions if (r.of, r.against) == (tiers[-2], tiers[-1])]
    system = measured.system
    return Models(
        bundle_version=manifest.bundle_version,
        messages=measured.messages,
        processor=measured.hardware.get("processor"),
        edge=tuple(edge),
        cloud=cloud,
        edge_mb=edge_mb,
        smaller=1 - edge_mb / cloud.size_mb,
        model=_kept(edge[-1].accuracy, of_model[0]) if of_model else None,
        system=_kept(system.accuracy, system.retention),
        edge_share=system.edge_share,
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
    alone = kept = whole = smaller = _OPEN
    if found is not None:
        last, cloud = found.edge[-1], found.cloud
        alone = (last.latency_p95_ms, f"{last.tier}, one message alone, one thread")
        kept = _share_and_note(found.model, f"of {cloud.accuracy:.1%}, {last.tier} alone")
        whole = _share_and_note(
            found.system, f"of {cloud.accuracy:.1%}, {found.edge_share:.1%} at the edge"
        )
        names = " + ".join(network.tier for network in found.edge)
        sizes = f"{names}: {found.edge_mb:,.1f} MB instead of {cloud.size_mb:,.1f} MB"
        smaller = (found.smaller, sizes)
    return (
        _below("edge model's inference, p95", INFERENCE_MS, alone[0], "bundle", alone[1]),
        _at_least("accuracy kept by the model", ACCURACY_KEPT, kept[0], "bundle", kept[1]),
        _at_least("accuracy kept by the system", ACCURACY_KEPT, whole[0], "bundle", whole[1]),
        _at_least("edge smaller by", SMALLER, smaller[0], "bundle", smaller[1]),
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
    found = models(manifest)
    claims = (
        _at_least("answered at the edge", EDGE_SHARE, system.edge_share, "bundle", None),
        _at_least("saved against cloud-only", SAVING, saving, "bundle", most),
        *bundle_claims(found),
    )
    if whole is None:
        return claims
    note = f"{found.edge_mb:,.1f} MB instead of {whole:,.1f} MB"
    smaller = 1 - found.edge_mb / whole
    return (
        *claims,
        _at_least("smaller than the uncut model", SMALLER, smaller, "bundle", note),
    )


def _share_and_note(kept: Kept | None, against: str) -> tuple[float | None, str | None]:
    """Return a share of accuracy and its note."""
    if kept is None:
        return None, None
    return kept.share, f"{kept.accuracy:.1%} {against}; {kept.low:.1%} to {kept.high:.1%}"


def _kept(accuracy: float, retention: Retention) -> Kept:
    return Kept(
        accuracy=accuracy,
        share=retention.share,
        low=retention.interval.low,
        high=retention.interval.high,
    )


def _network(tier: str, measure: Measure) -> Network:
    return Network(
        tier=tier,
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
