"""Health: what alerts, what costs points, and the word for a score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.health import Vitals, alerts, score, status

MAYBE = st.none() | st.floats(0, 1)
VITALS = st.builds(Vitals, MAYBE, MAYBE, MAYBE, st.none() | st.floats(0, 1e6))


@pytest.mark.parametrize(
    ("vitals", "alert"),
    [
        (Vitals(edge_utilisation=0.799), "edge_utilisation"),
        (Vitals(accuracy=0.849), "accuracy"),
        (Vitals(cost_per_query=0.0101), "cost_per_query"),
        (Vitals(latency_p95_ms=150.1), "latency"),
    ],
)
def test_each_threshold_alerts_on_its_own_side(vitals: Vitals, alert: str) -> None:
    assert alerts(vitals) == (alert,)


def test_a_value_at_its_threshold_does_not_alert() -> None:
    assert alerts(Vitals(0.80, 0.85, 0.01, 150.0)) == ()


@pytest.mark.parametrize(
    ("vitals", "alerted", "points"),
    [
        (Vitals(0.95, 0.95), 0, 100),
        (Vitals(0.89, 0.95), 0, 90),
        (Vitals(0.79, 0.95), 0, 70),
        (Vitals(0.95, 0.89), 0, 85),
        (Vitals(0.95, 0.79), 0, 55),
        (Vitals(0.95, 0.95), 3, 85),
        (Vitals(0.95, 0.95), 50, 70),
        (Vitals(0.1, 0.1), 50, 0),
        (Vitals(), 0, 100),
    ],
)
def test_the_score_loses_the_points_of_the_specification(
    vitals: Vitals, alerted: int, points: int
) -> None:
    assert score(vitals, alerted) == points


@given(VITALS, st.integers(0, 100))
def test_a_score_is_between_0_and_100_and_never_rises_with_an_alert(
    vitals: Vitals, alerted: int
) -> None:
    assert 0 <= score(vitals, alerted + 1) <= score(vitals, alerted) <= 100


@pytest.mark.parametrize(
    ("points", "word"),
    [
        (100, "excellent"), (90, "excellent"), (89, "good"), (75, "good"), (74, "fair"),
        (60, "fair"), (59, "poor"), (40, "poor"), (39, "critical"), (0, "critical"),
    ],
)  # fmt: skip
def test_a_score_has_a_word(points: int, word: str) -> None:
    assert status(points) == word
