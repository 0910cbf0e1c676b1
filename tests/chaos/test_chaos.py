"""Faults on the whole stream with real inference. `make chaos` does as many as wanted."""

import os
from pathlib import Path

import pytest

from tests.chaos.plan import BROKER_SHARE
from tests.chaos.report import complaints, show
from tests.chaos.run import Options, run
from tests.services import jvm_kafka

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.kafka,
    pytest.mark.exactly_once,
    pytest.mark.jvm,
    pytest.mark.embedded,
]


@pytest.mark.parametrize(
    ("faults", "broker_share"),
    [
        (30, BROKER_SHARE),
        (20, 1 / 3),
        pytest.param(100, BROKER_SHARE, marks=pytest.mark.slow),
    ],
)
def test_faults_lose_nothing_and_double_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, faults: int, broker_share: float
) -> None:
    reason = jvm_kafka.why_unavailable()
    if reason and os.environ.get("TESTS_REQUIRE_EXACTLY_ONCE"):
        pytest.fail(f"a Kafka that may be killed is required here, but {reason}")
    if reason:
        pytest.skip(f"not run: {reason}")
    request.node.user_properties.append(("broker", "jvm"))
    options = Options(faults=faults, seed=1, folder=tmp_path, broker_share=broker_share)
    outcome = run(options)
    show(outcome, options)
    assert complaints(outcome) == []
    assert outcome.faults.total() == faults
    assert outcome.faults["broker"] == round(faults * broker_share)
    assert len(outcome.recount.escalations) > 0
