"""Decision records for tests of the monitor's side."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from schemas.decision import Answered, Breakdown, Routed, Verdict
from schemas.record import Source

MOMENT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_PARTS: Final = Breakdown(length=0.0, syntax=0.0, uncertainty=0.0, emotion=0.0, keywords=0)


def verdict(**changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "tier": "student",
        "label": "neutral",
        "confidence": 0.95,
        "complexity": 0.25,
        "breakdown": NO_PARTS,
        "score": 0.95,
        "threshold": 0.9,
        "complexity_threshold": 0.75,
        "propensity": 0.05,
        "available": True,
        "bundle_version": "b1",
        "policy_version": "p1",
    }
    return Verdict(**fields | changes)


def routed(**changes: Any) -> Routed:
    """A record answered at the edge, but for ``changes``; ``verdict=None`` leaves it out."""
    fields: dict[str, Any] = {
        "source": Source(topic="transcripts", partition=0, offset=0),
        "identity": "one",
        "route": "edge",
        "reason": "optimal_edge",
        "verdict": verdict(),
        "price": 0.001,
        "decided_at": MOMENT,
        "processing_ms": 12.0,
        "inference_ms": 4.0,
    }
    return Routed(**fields | changes)


def answered(**changes: Any) -> Answered:
    """A record that the cloud answered with the edge's label, but for ``changes``."""
    fields: dict[str, Any] = {
        "source": Source(topic="transcripts", partition=0, offset=0),
        "escalation": Source(topic="escalations", partition=0, offset=0),
        "identity": "one",
        "reason": "low_confidence",
        "tier": "teacher",
        "label": "neutral",
        "confidence": 0.97,
        "edge_label": "neutral",
        "bundle_version": "b1",
        "price": 0.0136,
        "answered_at": MOMENT,
        "waited_ms": 80.0,
        "processing_ms": 60.0,
        "inference_ms": 50.0,
    }
    return Answered(**fields | changes)


_shares = st.floats(0, 1)
_milliseconds = st.floats(0, 1e6)
_labels = st.sampled_from(["positive", "negative", "neutral", "(other)", "ärger"])
_run_ids = st.sampled_from([None, None, "live", "run:1", "2"])
_prices = st.one_of(st.sampled_from([0.0, 0.001, 0.0136]), st.floats(0, 1e300))
_moments = st.integers(-(10**9), 10**9).map(lambda ms: MOMENT + timedelta(milliseconds=ms))

_tiers = st.sampled_from(["reflex", "student"])
_verdicts = st.builds(verdict, tier=_tiers, label=_labels, confidence=_shares, complexity=_shares)
_routed = st.builds(
    routed,
    run_id=_run_ids,
    route=st.sampled_from(["edge", "cloud", "skipped", "dead_letter"]),
    reason=st.sampled_from(["optimal_edge", "random_cloud", "cloud_error", "role_not_scored"]),
    verdict=st.none() | _verdicts,
    price=_prices,
    unsent_price=st.none() | _prices,
    decided_at=_moments,
    processing_ms=_milliseconds,
    inference_ms=_milliseconds,
)
_answered = st.builds(
    answered,
    run_id=_run_ids,
    reason=st.sampled_from(["low_confidence", "cloud_error"]),
    label=_labels,
    edge_label=_labels,
    price=_prices,
    answered_at=_moments,
    waited_ms=_milliseconds,
    processing_ms=_milliseconds,
    inference_ms=_milliseconds,
)
decision_lists = st.lists(_routed | _answered, max_size=12)
"""Lists of decisions of every kind, of a few scopes."""
