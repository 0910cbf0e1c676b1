"""Whatever aiokafka raises inside a lane costs the lane, or ends the role in one sentence."""

import asyncio
import inspect
import logging

import pytest
from aiokafka import errors
from aiokafka.record.control_record import ControlRecord

from consumers.errors import Fatal, LaneLost, Unreachable
from consumers.kafka.connection import Connection, fatal_for, lane_errors, report_unexpected

FOREIGN = [
    kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, Exception)
]


@pytest.mark.parametrize("kind", FOREIGN)
async def test_every_error_of_the_client_becomes_one_of_ours(kind: type[Exception]) -> None:
    with pytest.raises((LaneLost, Fatal)):
        async with lane_errors():
            raise kind


async def test_what_the_client_leaves_behind_in_a_task_of_its_own_is_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(Exception, match="buffer") as inside:
        ControlRecord.parse(b"")
    _report(inside.value)
    assert not [r for r in caplog.records if r.levelno > logging.DEBUG]


async def test_what_we_leave_behind_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError) as ours:
        raise KeyError
    _report(ours.value)
    assert [r for r in caplog.records if r.levelno == logging.ERROR]


def _report(error: BaseException) -> None:
    context = {"exception": error, "message": "Task exception was never retrieved"}
    report_unexpected(asyncio.get_running_loop(), context)


@pytest.mark.parametrize(
    "error",
    [
        errors.KafkaConnectionError("no"),
        # What aiokafka raises where it knew the brokers a moment ago.
        errors.KafkaError("Unable to get cluster metadata over all known brokers"),
        errors.NodeNotReadyError("no"),
        errors.RequestTimedOutError("no"),
        OSError("no"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broker_that_does_not_answer_is_said_in_one_way(error: Exception) -> None:
    assert isinstance(fatal_for(error, Connection("kafka:9092")), Unreachable)
