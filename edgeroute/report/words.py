"""How the report and the demo write a figure. What cannot be told is a dash."""

from collections.abc import Mapping
from typing import Final

from edgeroute.report.claims import Claim
from router.health import ACCURACY, COST_PER_QUERY, EDGE_UTILISATION, LATENCY_MS, Alert
from schemas.decision import REASONS, ReasonKind

DASH: Final = "-"
ALERTS: Final[Mapping[Alert, str]] = {
    "edge_utilisation": f"under {EDGE_UTILISATION:.0%} answered at the edge",
    "accuracy": f"edge model's accuracy under {ACCURACY:.0%}",
    "cost_per_query": f"a query costs over ${COST_PER_QUERY}",
    "latency": f"edge processing, p95, over {LATENCY_MS:.0f} ms",
}
_KINDS: Final[Mapping[str, ReasonKind]] = {str(name): kind for name, kind in REASONS.items()}


def kind_of(reason: str) -> ReasonKind:
    """Return what a reason means; one that is not known here stands for itself."""
    return _KINDS.get(reason) or ReasonKind("cloud", shown(reason))


def largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the counts with the largest first, and by name where they are equal."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def shown(name: str) -> str:
    """Return a label or run id without control characters: it came over a wire."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def count(number: int) -> str:
    """Return a whole number."""
    return f"{number:,}"


def number(value: float | None) -> str:
    """Return a number between 0 and 1 that is no share."""
    return DASH if value is None else f"{value:.3f}"


def share(value: float | None) -> str:
    """Return a share in per cent."""
    return DASH if value is None else f"{value:.1%}"


def of(part: float, whole: float) -> str:
    """Return what share a part is of the whole."""
    return share(part / whole if whole else None)


def dollars(value: float | None) -> str:
    """Return money; small sums with the digits that an inference's price needs."""
    if value is None:
        return DASH
    sign, size = "-" if value < 0 else "", abs(value)
    return f"{sign}${size:,.2f}" if size >= 100 else f"{sign}${size:.4f}"


def milliseconds(value: float | None) -> str:
    """Return a latency without its unit; one of microseconds with the digits it needs."""
    if value is None:
        return DASH
    if 0 < value < 0.1:
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def measured(claim: Claim) -> str:
    """Return what was measured."""
    if claim.measured is None:
        return DASH
    if claim.unit == "share":
        return share(claim.measured)
    return f"{milliseconds(claim.measured)} ms"


def claimed(claim: Claim) -> str:
    """Return what must be reached."""
    return f">= {claim.claimed:.1%}" if claim.unit == "share" else f"< {claim.claimed:.0f} ms"


def met(claim: Claim) -> str:
    """Return whether it was."""
    return DASH if claim.met is None else ("yes" if claim.met else "no")
