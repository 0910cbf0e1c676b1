"""The monitor's totals as the figures of the report: for the tables, and as JSON for machines.

What cannot be told yet (a mean of nothing, a month from ten minutes) is None.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from consumers.totals.aggregate import BOUNDS_MS, LIVE, MICROS, NANOS, Scope, Totals, quantile_ms
from edgeroute.report import claims
from edgeroute.report.claims import Claim, Models
from router import economics, health
from router.economics import RoutingTotals
from schemas.bundle import Manifest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Prices(Protocol):
    """Dollars an inference."""

    @property
    def edge(self) -> float: ...

    @property
    def cloud(self) -> float: ...


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Routing(_Figures):
    """What went where. Utilisation is the edge's share of what was scored.

    ``audited`` went to the cloud for no other reason than the audit; without the audit they would
    have stayed at the edge, which is what ``edge_utilisation_without_audit`` says. ``by_tier`` says
    whose answer stands, the cloud's once it has answered.
    """

    records: int
    scored: int
    edge: int
    cloud: int
    skipped: int
    dead_letters: int
    audited: int
    edge_utilisation: float | None
    edge_utilisation_without_audit: float | None
    by_reason: dict[str, int]
    by_tier: dict[str, int]
    by_label: dict[str, int]
    mean_complexity: float | None
    mean_confidence: float | None


class Cost(_Figures):
    """Dollars. Denominators hold scored records only."""

    edge: float
    cloud: float
    total: float
    per_query: float | None
    cloud_only: float
    saved: float
    saving: float | None
    monthly_saving: float | None
    no_monthly_because: str | None


class Cloud(_Figures):
    """What the cloud answered. ``agreement`` is with the edge's label, errors left out.

    ``errors`` are messages that have the edge's answer because the cloud was unavailable when they
    were routed (``unavailable``) or the worker failed on them (``failed``). ``unsent`` of the
    ``escalated`` were decided in a replay and not sent: they are priced, and nobody waits for them.
    """

    escalated: int
    unsent: int
    answered: int
    waiting: int
    errors: int
    unavailable: int
    failed: int
    agreed: int
    agreement: float | None
    by_label: dict[str, int]


class Latency(_Figures):
    """Milliseconds, within 6 %.

    ``histogram`` holds, for each bucket that is not empty, where it begins and how many are in it.
    """

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    histogram: tuple[tuple[float, int], ...]


class Latencies(_Figures):
    """Processing is fetched to produced; waiting is escalated to answered."""

    processing: Latency
    inference: Latency
    cloud_wait: Latency
    cloud_processing: Latency
    cloud_inference: Latency


class Health(_Figures):
    """A score out of 100, its word, and the thresholds that this scope crosses as a whole.

    Accuracy is that of the edge's last model on held-out messages: without labels, no more is
    known.
    """

    status: health.Status
    score: int
    alerts: tuple[health.Alert, ...]


class ReportFigures(_Figures):
    """Everything the report says of one scope; ``run_id`` is None for live traffic.

    ``runs`` are the runs that have totals of their own, the one last added to first. ``models`` is
    None where there is no bundle to read, and ``no_models_because`` then says why. ``health`` is
    None where nothing was scored.
    """

    run_id: str | None
    runs: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    routing: Routing
    cost: Cost
    cloud: Cloud
    latency: Latencies
    models: Models | None
    no_models_because: str | None
    claims: tuple[Claim, ...]
    health: Health | None


def figures(
    totals: Totals,
    prices: Prices,
    *,
    run_id: Scope = LIVE,
    runs: Sequence[str] = (),
    bundle: Manifest | str = "no bundle was looked at",
) -> ReportFigures:
    """Return what ``totals`` of the scope ``run_id`` say.

    Costs are what the records were charged; ``prices`` tell what the cloud alone would have cost.
    ``bundle`` is the manifest that the models' figures come from, or why there is none.
    """
    counted = _counted(totals)
    priced = economics.Prices(prices.edge, prices.cloud)
    latency = Latencies(
        processing=_latency(totals, "processing"),
        inference=_latency(totals, "inference"),
        cloud_wait=_latency(totals, "cloud_waited"),
        cloud_processing=_latency(totals, "cloud_processing"),
        cloud_inference=_latency(totals, "cloud_inference"),
    )
    models = None if isinstance(bundle, str) else claims.models(bundle)
    of_run = claims.run_claims(
        edge_share=economics.edge_utilisation(counted),
        without_audit=economics.edge_utilisation_without_audit(counted),
        saving=economics.saving_share(counted, priced),
        largest_saving=economics.saving_at(1.0, priced) if priced.cloud else None,
        inference_p95_ms=latency.inference.p95_ms,
        processing_p95_ms=latency.processing.p95_ms,
    )
    return ReportFigures(
        run_id=run_id,
        runs=tuple(runs),
        first=_moment(totals.first_ms),
        last=_moment(totals.last_ms),
        routing=_routing_figures(totals, counted),
        cost=_cost_figures(counted, priced),
        cloud=_cloud_figures(totals, counted),
        latency=latency,
        models=models,
        no_models_because=bundle if isinstance(bundle, str) else None,
        claims=(*of_run, *claims.bundle_claims(models)),
        health=_health(counted, latency, models),
    )


def _health(counted: RoutingTotals, latency: Latencies, models: Models | None) -> Health | None:
    if not counted.scored:
        return None
    vitals = health.Vitals(
        edge_utilisation=economics.edge_utilisation(counted),
        accuracy=models.edge[-1].accuracy if models else None,
        cost_per_query=economics.cost_per_query(counted),
        latency_p95_ms=latency.processing.p95_ms,
    )
    alerts = health.alerts(vitals)
    points = health.score(vitals, len(alerts))
    return Health(status=health.status(points), score=points, alerts=alerts)


def _counted(totals: Totals) -> RoutingTotals:
    unavailable = totals.count("reason/cloud_error")
    return RoutingTotals(
        edge=totals.count("route/edge"),
        cloud=totals.count("route/cloud"),
        audited=totals.count("audited/cloud"),
        edge_errors=unavailable,
        cloud_errors=unavailable + totals.count("answered_error"),
        edge_cost=totals.count("edge_nanos") / NANOS,
        cloud_cost=totals.count("cloud_nanos") / NANOS,
        observed_seconds=_observed_seconds(totals),
        skipped=totals.count("route/skipped"),
        dead_letters=totals.count("route/dead_letter"),
    )


def _routing_figures(totals: Totals, counted: RoutingTotals) -> Routing:
    return Routing(
        records=counted.records,
        scored=counted.scored,
        edge=counted.edge,
        cloud=counted.cloud,
        skipped=counted.skipped,
        dead_letters=counted.dead_letters,
        audited=counted.audited,
        edge_utilisation=economics.edge_utilisation(counted),
        edge_utilisation_without_audit=economics.edge_utilisation_without_audit(counted),
        by_reason=totals.group("reason"),
        by_tier=dict(sorted(totals.tiers.items())),
        by_label=dict(sorted(totals.labels.items())),
        mean_complexity=_mean(totals, "complexity_micros"),
        mean_confidence=_mean(totals, "confidence_micros"),
    )


def _cost_figures(counted: RoutingTotals, prices: economics.Prices) -> Cost:
    monthly = economics.monthly_saving(counted, prices)
    return Cost(
        edge=counted.edge_cost,
        cloud=counted.cloud_cost,
        total=economics.cost(counted),
        per_query=economics.cost_per_query(counted),
        cloud_only=economics.cloud_only_cost(counted, prices),
        saved=economics.saving(counted, prices),
        saving=economics.saving_share(counted, prices),
        monthly_saving=monthly,
        no_monthly_because="under an hour of data" if monthly is None else None,
    )


def _cloud_figures(totals: Totals, counted: RoutingTotals) -> Cloud:
    answered, failed = totals.count("answered"), totals.count("answered_error")
    agreed, unsent = totals.count("agreed"), totals.count("unsent")
    return Cloud(
        escalated=counted.cloud,
        unsent=unsent,
        answered=answered,
        # An answer may be counted before the routing it belongs to: they lie in two partitions.
        waiting=max(counted.cloud - unsent - answered, 0),
        errors=counted.cloud_errors,
        unavailable=counted.edge_errors,
        failed=failed,
        agreed=agreed,
        agreement=agreed / (answered - failed) if answered > failed else None,
        by_label=dict(sorted(totals.cloud_labels.items())),
    )


def _latency(totals: Totals, name: str) -> Latency:
    histogram = totals.histogram(name)
    p50, p95, p99 = (quantile_ms(histogram, share) for share in (0.5, 0.95, 0.99))
    return Latency(
        count=sum(histogram.values()),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        histogram=tuple((_begin_ms(bucket), n) for bucket, n in histogram.items()),
    )


def _begin_ms(bucket: int) -> float:
    return BOUNDS_MS[bucket - 1] if bucket else 0.0


def _mean(totals: Totals, name: str) -> float | None:
    scored = totals.count("scored")
    return totals.count(name) / MICROS / scored if scored else None


def _observed_seconds(totals: Totals) -> float:
    if totals.first_ms is None or totals.last_ms is None:
        return 0.0
    return (totals.last_ms - totals.first_ms) / 1_000


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
