"""What routing costs and saves, honestly: an escalated item pays for the edge and for the cloud.

At the reference's prices no split can save more than 92.6 %, and 94.9 % at the edge saves 87.5 %.
Shares and means are None where there is nothing to divide by.
"""

from dataclasses import dataclass
from typing import Final

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
DAYS_IN_MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for one item: at the edge whatever its tiers, and in the cloud when a model ran."""

    edge: float = 0.001
    cloud: float = 0.0136


@dataclass(frozen=True, slots=True)
class RoutingTotals:
    """What was observed. All counts are additive, over batches, partitions and runs.

    ``edge`` and ``cloud`` are scored items by the route that their `routed` record has, so
    ``cloud`` includes those not answered yet and those on which the worker failed. ``audited`` are
    those of ``cloud`` that went for no other reason than the audit (`random_cloud`), and
    ``edge_errors`` those of ``edge`` that the edge kept only because the cloud was unavailable
    (`cloud_error`). ``cloud_errors`` are items whose final answer is the edge's for either failure:
    unavailable when routed, or failed at the worker.

    ``edge_cost`` and ``cloud_cost`` are dollars, the sums of the prices on the `routed` and the
    `answered` records; so the cost of an escalation appears when it is answered.
    ``observed_seconds`` runs from the first record to the last. ``skipped`` and ``dead_letters``
    were not scored: they are shown, and in no share or mean.
    """

    edge: int = 0
    cloud: int = 0
    audited: int = 0
    edge_errors: int = 0
    cloud_errors: int = 0
    edge_cost: float = 0.0
    cloud_cost: float = 0.0
    observed_seconds: float = 0.0
    skipped: int = 0
    dead_letters: int = 0

    @property
    def scored(self) -> int:
        """Return the denominator of everything: items that a model looked at."""
        return self.edge + self.cloud

    @property
    def records(self) -> int:
        """Return all inputs, scored or not."""
        return self.scored + self.skipped + self.dead_letters


def edge_utilisation(totals: RoutingTotals) -> float | None:
    """Return the share of scored items that were routed to the edge."""
    return _share(totals.edge, totals.scored)


def cloud_utilisation(totals: RoutingTotals) -> float | None:
    """Return the share of scored items that were routed to the cloud."""
    return _share(totals.cloud, totals.scored)


def edge_utilisation_without_audit(totals: RoutingTotals) -> float | None:
    """Return the share that would have stayed at the edge had nothing been audited.

    An audited item is one that the edge would have kept, so it counts for the edge. To leave it out
    of both counts instead would understate the share: the audit draws from easy and hard items
    alike, but only the easy ones carry its reason.
    """
    return _share(totals.edge + totals.audited, totals.scored)


def cost(totals: RoutingTotals) -> float:
    """Return the dollars paid."""
    return totals.edge_cost + totals.cloud_cost


def cost_per_query(totals: RoutingTotals) -> float | None:
    """Return the dollars paid for a scored item on average."""
    return _share(cost(totals), totals.scored)


def cloud_only_cost(totals: RoutingTotals, prices: Prices) -> float:
    """Return what every scored item in the cloud, and none at the edge, would have cost."""
    return totals.scored * prices.cloud


def saving(totals: RoutingTotals, prices: Prices) -> float:
    """Return the dollars saved against cloud-only; negative where routing cost more."""
    return cloud_only_cost(totals, prices) - cost(totals)


def saving_share(totals: RoutingTotals, prices: Prices) -> float | None:
    """Return the part of the cloud-only cost that was saved."""
    return _share(saving(totals, prices), cloud_only_cost(totals, prices))


def monthly_saving(totals: RoutingTotals, prices: Prices) -> float | None:
    """Return 30 times the mean saving of an observed day; None under an hour of data."""
    if totals.observed_seconds < HOUR:
        return None
    return DAYS_IN_MONTH * saving(totals, prices) / (totals.observed_seconds / DAY)


def priced(edge: int, cloud: int, prices: Prices, *, unpaid: int = 0) -> RoutingTotals:
    """Return totals of counts alone, at fixed prices, where no record carries its own.

    ``unpaid`` are those of ``cloud`` that never reached a model there: they pay the edge only.
    """
    return RoutingTotals(
        edge=edge,
        cloud=cloud,
        cloud_errors=unpaid,
        edge_cost=(edge + cloud) * prices.edge,
        cloud_cost=(cloud - unpaid) * prices.cloud,
    )


def saving_at(edge_share: float, prices: Prices) -> float:
    """Return the share saved where ``edge_share`` of the items stay at the edge."""
    return 1.0 - (prices.edge + (1.0 - edge_share) * prices.cloud) / prices.cloud


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
