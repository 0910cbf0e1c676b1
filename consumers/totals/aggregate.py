"""Decision records to additive totals. Pure: the monitor's arithmetic, without Redis.

Every figure is a sum of integers, or a smallest or largest moment. So totals do not depend on how
the records were cut into batches, in which order the batches came or how often one was retried
before it counted, and a recount of the topic gives the same totals to the last digit:
``aggregate(a + b) == merge(aggregate(a), aggregate(b))``.

- Money is in nano-dollars and scores are in millionths, because prices and scores arrive as floats
  and sums of floats depend on their order.
- Latencies are histograms, because percentiles cannot be added.
- Live traffic and each run have totals of their own.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.decision import Answered, Routed

NANOS: Final = 1_000_000_000
"""Nano-dollars in a dollar."""

MICROS: Final = 1_000_000
"""Millionths in one: the unit of the sums of complexity and confidence."""

LARGEST_PRICE: Final = 1_000.0
"""Dollars; a price above it counts as this, so that a hostile record cannot overflow a sum."""

BUCKETS_PER_DECADE: Final = 20
BOUNDS_MS: Final[tuple[float, ...]] = tuple(
    # Rounded, so that no mathematics library's last bit moves a bound.
    float(f"{0.1 * 10 ** (step / BUCKETS_PER_DECADE):.6g}")
    for step in range(6 * BUCKETS_PER_DECADE + 1)
)
"""Bounds of the latency buckets, from 0.1 ms to 100 s, each 12.2 % above the one before.

Bucket 0 is below the first bound, bucket ``i`` is ``BOUNDS_MS[i - 1] <= ms < BOUNDS_MS[i]``, and
the last has no upper bound. A bucket stands for its geometric middle, which is within 6 % of every
latency in it, the first and the last excepted.
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

LIVE: Final = None
"""The scope of traffic that carries no run id."""

Scope = str | None
"""A run id, or `LIVE`."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What was decided in one scope.

    ``counts`` maps a name to a sum; names that were never added to are absent. They are:

    - ``route/…`` and ``reason/…``: routed records by route and by reason;
    - ``audited/edge`` and ``audited/cloud``: scored records drawn by the audit, by route;
    - ``edge_nanos`` and ``cloud_nanos``: cost in nano-dollars, also of what was not sent;
    - ``unsent``: records that a replay decided for the cloud and did not send there;
    - ``complexity_micros`` and ``confidence_micros``: sums over scored records, in millionths;
    - ``scored``: records with a verdict, the number that those sums are over;
    - ``answered``, ``answered_error`` (cloud_error among them) and ``agreed`` (same label as the
      edge's, cloud errors left out);
    - ``processing/…``, ``inference/…``: histograms over scored records by bucket;
    - ``cloud_processing/…``, ``cloud_waited/…``: the same over answered ones; ``cloud_inference/…``
      without the cloud errors.

    ``tiers`` say whose answer is the final one: a tier of the edge over records routed to the edge,
    and over answered ones the cloud's, or the edge's where the cloud failed. What a replay decided
    for the cloud and did not send there is under none.

    ``labels`` are the edge's over scored records, ``cloud_labels`` the cloud's over answered ones
    without errors. ``first_ms`` and ``last_ms`` are the smallest and largest moment of a decision,
    in milliseconds since 1970.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    cloud_labels: Mapping[str, int] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)
    first_ms: int | None = None
    last_ms: int | None = None

    def count(self, name: str) -> int:
        """Return one sum, 0 where nothing was added."""
        return self.counts.get(name, 0)

    def group(self, name: str) -> dict[str, int]:
        """Return the sums under ``name/``, by what follows it, in order of name."""
        start = name + "/"
        found = {key[len(start) :]: n for key, n in self.counts.items() if key.startswith(start)}
        return dict(sorted(found.items()))

    def histogram(self, name: str) -> dict[int, int]:
        """Return a latency histogram: how many by bucket, in order of bucket."""
        return dict(sorted((int(bucket), n) for bucket, n in self.group(name).items()))


Delta = Mapping[Scope, Totals]
"""What a batch adds, by scope."""


def aggregate(decisions: Iterable[Routed | Answered]) -> dict[Scope, Totals]:
    """Return what ``decisions`` add to the totals of each scope that occurs in them."""
    tallies: defaultdict[Scope, _Tally] = defaultdict(_Tally)
    for decision in decisions:
        tally = tallies[decision.run_id]
        if isinstance(decision, Routed):
            _add_routed(tally, decision)
        else:
            _add_answered(tally, decision)
    return {scope: _totals(tally) for scope, tally in tallies.items()}


def merge(one: Delta, other: Delta) -> dict[Scope, Totals]:
    """Return the sum of two deltas."""
    scopes = {**one, **other}
    nothing = Totals()
    return {scope: add(one.get(scope, nothing), other.get(scope, nothing)) for scope in scopes}


def add(one: Totals, other: Totals) -> Totals:
    """Return the sum of two totals of one scope."""
    firsts = [moment for moment in (one.first_ms, other.first_ms) if moment is not None]
    lasts = [moment for moment in (one.last_ms, other.last_ms) if moment is not None]
    return Totals(
        _added(one.counts, other.counts),
        _added(one.labels, other.labels),
        _added(one.cloud_labels, other.cloud_labels),
        _added(one.tiers, other.tiers),
        min(firsts, default=None),
        max(lasts, default=None),
    )


def quantile_ms(histogram: Mapping[int, int], share: float) -> float | None:
    """Return the latency that ``share`` of the histogram does not exceed; None where it is empty.

    Within 6 % between 0.1 ms and 100 s; a latency outside is reported as that bound.
    """
    total = sum(histogram.values())
    if total == 0:
        return None
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= share * total:
            return _middle_ms(bucket)
    return _middle_ms(max(histogram))


def bucket_of(ms: float) -> int:
    """Return the bucket of a latency."""
    return bisect_right(BOUNDS_MS, ms)


@dataclass(slots=True)
class _Tally:
    """Totals in the making."""

    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    labels: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    cloud_labels: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    tiers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    first: datetime | None = None
    last: datetime | None = None


def _add_routed(tally: _Tally, routed: Routed) -> None:
    counts = tally.counts
    counts["route/" + routed.route] += 1
    counts["reason/" + routed.reason] += 1
    counts["edge_nanos"] += _nanos(routed.price)
    if routed.unsent_price is not None:
        counts["unsent"] += 1
        counts["cloud_nanos"] += _nanos(routed.unsent_price)
    _stretch(tally, routed.decided_at)
    verdict = routed.verdict
    if verdict is None:
        return
    counts["scored"] += 1
    counts["complexity_micros"] += round(verdict.complexity * MICROS)
    counts["confidence_micros"] += round(verdict.confidence * MICROS)
    counts[f"processing/{bisect_right(BOUNDS_MS, routed.processing_ms)}"] += 1
    counts[f"inference/{bisect_right(BOUNDS_MS, routed.inference_ms)}"] += 1
    tally.labels[verdict.label] += 1
    if routed.route == "edge":
        tally.tiers[verdict.tier] += 1
    if routed.reason == "random_cloud":
        counts["audited/" + routed.route] += 1


def _add_answered(tally: _Tally, answered: Answered) -> None:
    counts = tally.counts
    counts["answered"] += 1
    tally.tiers[answered.tier] += 1
    counts["cloud_nanos"] += _nanos(answered.price)
    counts[f"cloud_processing/{bisect_right(BOUNDS_MS, answered.processing_ms)}"] += 1
    counts[f"cloud_waited/{bisect_right(BOUNDS_MS, answered.waited_ms)}"] += 1
    _stretch(tally, answered.answered_at)
    if answered.reason == "cloud_error":
        counts["answered_error"] += 1
        return
    counts[f"cloud_inference/{bisect_right(BOUNDS_MS, answered.inference_ms)}"] += 1
    tally.cloud_labels[answered.label] += 1
    if answered.label == answered.edge_label:
        counts["agreed"] += 1


def _stretch(tally: _Tally, moment: datetime) -> None:
    if tally.first is None or moment < tally.first:
        tally.first = moment
    if tally.last is None or moment > tally.last:
        tally.last = moment


def _totals(tally: _Tally) -> Totals:
    return Totals(
        _without_zeros(tally.counts),
        dict(tally.labels),
        dict(tally.cloud_labels),
        dict(tally.tiers),
        None if tally.first is None else (tally.first - _EPOCH) // _MILLISECOND,
        None if tally.last is None else (tally.last - _EPOCH) // _MILLISECOND,
    )


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    """An unpriced batch must equal one that never named the price, or grouping would show."""
    return {name: count for name, count in counts.items() if count}


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    total = dict(one)
    for name, count in other.items():
        total[name] = total.get(name, 0) + count
    return total


def _nanos(dollars: float) -> int:
    return round(min(dollars, LARGEST_PRICE) * NANOS)


def _middle_ms(bucket: int) -> float:
    if bucket == 0:
        return BOUNDS_MS[0]
    if bucket >= len(BOUNDS_MS):
        return BOUNDS_MS[-1]
    return float((BOUNDS_MS[bucket - 1] * BOUNDS_MS[bucket]) ** 0.5)
