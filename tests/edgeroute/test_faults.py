"""What is said of an error that reaches the top, and with which exit code."""

import pytest

from edgeroute.faults import explained
from router.bundle import BundleError
from router.engine import EngineError
from training import TrainingError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BundleError("the bundle is broken"), ("the bundle is broken.", 2)),
        (
            EngineError("a model failed on a batch of 16 (Fail)"),
            ("a model failed on a batch of 16 (Fail).", 1),
        ),
        (TrainingError("there is no data; name some"), ("there is no data; name some.", 1)),
    ],
)
def test_what_can_be_helped_is_one_sentence(error: Exception, said: tuple[str, int]) -> None:
    assert explained(error) == said


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert explained(KeyError("x")) is None
