"""How well it goes, as one number out of 100 and a word for it. Pure.

Thresholds, points and words are the reference's (monitor, its alerts and its health report).
"""

from dataclasses import dataclass
from typing import Final, Literal

Alert = Literal["edge_utilisation", "accuracy", "cost_per_query", "latency"]
Status = Literal["excellent", "good", "fair", "poor", "critical"]

EDGE_UTILISATION: Final = 0.80
ACCURACY: Final = 0.85
COST_PER_QUERY: Final = 0.01
LATENCY_MS: Final = 150.0
"""Below the first two, or above the others, there is an alert; the latency is processing's p95."""

_STATUSES: Final[tuple[tuple[int, Status], ...]] = (
    (90, "excellent"),
    (75, "good"),
    (60, "fair"),
    (40, "poor"),
)
_AN_ALERT: Final = 5
_ALERTS_AT_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Vitals:
    """What health is told by. What is not known is None: it neither alerts nor costs a point."""

    edge_utilisation: float | None = None
    accuracy: float | None = None
    cost_per_query: float | None = None
    latency_p95_ms: float | None = None


def alerts(vitals: Vitals) -> tuple[Alert, ...]:
    """Return which thresholds are crossed."""
    crossed: tuple[tuple[Alert, bool], ...] = (
        ("edge_utilisation", _below(vitals.edge_utilisation, EDGE_UTILISATION)),
        ("accuracy", _below(vitals.accuracy, ACCURACY)),
        ("cost_per_query", _above(vitals.cost_per_query, COST_PER_QUERY)),
        ("latency", _above(vitals.latency_p95_ms, LATENCY_MS)),
    )
    return tuple(name for name, is_so in crossed if is_so)


def score(vitals: Vitals, alerted: int) -> int:
    """Return the points out of 100, where ``alerted`` alerts were raised."""
    lost = 10 * _below(vitals.edge_utilisation, 0.90) + 20 * _below(vitals.edge_utilisation, 0.80)
    lost += 15 * _below(vitals.accuracy, 0.9) + 30 * _below(vitals.accuracy, 0.8)
    lost += min(_AN_ALERT * alerted, _ALERTS_AT_MOST)
    return max(100 - lost, 0)


def status(points: int) -> Status:
    """Return the word for a score."""
    return next((word for least, word in _STATUSES if points >= least), "critical")


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit
