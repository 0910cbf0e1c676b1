"""Records of every kind, for property tests."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, Redriven
from schemas.decision import REASONS, Answered, Breakdown, Routed, Verdict
from schemas.escalation import EdgeAnswer, Escalation
from schemas.position import Moved, Position
from schemas.record import Record, Source
from schemas.result import Result
from schemas.transcript import Transcript

shares = st.floats(0, 1)
amounts = st.floats(0, 1e12)
strings = st.text(st.characters(codec="utf-8"))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=256)
zones = st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
moments = st.datetimes(
    datetime(2, 1, 1),  # noqa: DTZ001 -- hypothesis wants naive bounds
    datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC) | zones,
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=6,
)
reasons = st.sampled_from(list(REASONS))
sources = st.builds(
    Source,
    topic=st.text(st.characters(codec="utf-8"), min_size=1),
    partition=st.integers(0, 2**31),
    offset=st.integers(0, 2**63),
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value or None."""
    return st.none() | strategy


message: Final[dict[str, st.SearchStrategy[Any]]] = {
    "source": sources,
    "identity": strings,
    "conversation_id": maybe(names),
    "turn": maybe(st.integers()),
    "run_id": maybe(names),
}
times: Final[dict[str, st.SearchStrategy[Any]]] = {
    "processing_ms": amounts,
    "inference_ms": amounts,
}

transcripts = st.builds(
    Transcript,
    conversation_id=maybe(names),
    turn=maybe(st.integers(0, 2**31 - 1)),
    role=names,
    text=texts,
    timestamp=maybe(moments),
    language=maybe(names),
    run_id=maybe(names),
    escalate=maybe(st.booleans()),
    metadata=maybe(st.dictionaries(strings, json_values, max_size=3)),
)
verdicts = st.builds(
    Verdict,
    tier=names,
    label=names,
    confidence=shares,
    complexity=shares,
    breakdown=st.builds(
        Breakdown,
        length=shares,
        syntax=shares,
        uncertainty=shares,
        emotion=shares,
        keywords=st.integers(0, 10),
    ),
    score=shares,
    threshold=shares,
    complexity_threshold=shares,
    propensity=shares,
    available=st.booleans(),
    admitted=shares,
    bundle_version=names,
    policy_version=names,
)
routed = st.builds(
    Routed,
    **message,
    **times,
    route=st.sampled_from(["edge", "cloud", "skipped", "dead_letter"]),
    reason=reasons,
    verdict=maybe(verdicts),
    price=amounts,
    unsent_price=maybe(amounts),
    decided_at=moments,
)
answered = st.builds(
    Answered,
    **message,
    **times,
    escalation=sources,
    reason=reasons,
    tier=names,
    label=names,
    confidence=shares,
    edge_label=names,
    bundle_version=names,
    price=amounts,
    answered_at=moments,
    waited_ms=amounts,
)
escalations = st.builds(
    Escalation,
    **message,
    language=maybe(names),
    text=texts,
    edge=st.builds(EdgeAnswer, label=names, confidence=shares, tier=names, bundle_version=names),
    reason=reasons,
    escalated_at=moments,
)
results = st.builds(
    Result,
    **message,
    status=st.sampled_from(["provisional", "final"]),
    answered_by=st.sampled_from(["edge", "cloud", "nobody"]),
    reason=reasons,
    label=maybe(names),
    confidence=maybe(shares),
    bundle_version=maybe(names),
    text=maybe(strings),
    answered_at=moments,
)
dead_letters = st.builds(
    DeadLetter,
    cause=st.sampled_from(
        ["empty", "not_json", "invalid", "wrong_version", "too_long", "not_inferable"]
    ),
    error=strings,
    error_class=names,
    source=sources,
    size=st.integers(0, 2**40),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    truncated=st.booleans(),
    failed_at=moments,
    key_dropped=st.booleans(),
    attempts=st.integers(0, 2**40),
    first_source=maybe(sources),
    previous=maybe(sources),
)
redriven = st.builds(
    Redriven, attempt=st.integers(1, 2**40), first_source=sources, dead_letter=sources
)

positions = st.builds(
    Position,
    group=names,
    topic=names,
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    note=strings,
)
moves = st.builds(
    Moved,
    group=names,
    topic=names,
    partition=st.integers(0, 2**31 - 1),
    recorded=maybe(st.integers(0, 2**63 - 1)),
    committed=maybe(st.integers(0, 2**63 - 1)),
    offset=st.integers(0, 2**63 - 1),
    why=st.text(st.characters(codec="utf-8"), max_size=200),
    moved_at=moments,
)

BY_NAME: Final[dict[str, st.SearchStrategy[Any]]] = {
    "transcript": transcripts,
    "escalation": escalations,
    "result": results,
    "routed": routed,
    "answered": answered,
    "dead-letter": dead_letters,
    "position": positions,
    "moved": moves,
}
records: st.SearchStrategy[Record] = st.one_of(*BY_NAME.values())
