"""Faults on the whole stream with real inference. `make chaos` does as many as wanted."""

import os
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("faults", [30, pytest.param(100, marks=pytest.mark.slow)])
def test_faults_lose_nothing_and_double_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, faults: int
) -> None:
    reason = jvm_kafka.why_unavailable()
    if reason and os.environ.get("TESTS_REQUIRE_EXACTLY_ONCE"):
        pytest.fail(f"a Kafka that may be killed is required here, but {reason}")
    if reason:
        pytest.skip(f"not run: {reason}")
    request.node.user_properties.append(("broker", "jvm"))
    options = Options(faults=faults, seed=1, folder=tmp_path)
    outcome = run(options)
    show(outcome, options)
    assert complaints(outcome) == []
    assert outcome.faults.total() == faults
    assert outcome.faults["broker"] > 0
    assert len(outcome.recount.escalations) > 0
