"""Whatever aiokafka raises inside a lane costs the lane, or ends the role in one sentence."""

import inspect

import pytest
from aiokafka import errors

from consumers.errors import Fatal, LaneLost
from consumers.kafka.connection import lane_errors

FOREIGN = [
    kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, Exception)
]


@pytest.mark.parametrize("kind", FOREIGN)
async def test_every_error_of_the_client_becomes_one_of_ours(kind: type[Exception]) -> None:
    with pytest.raises((LaneLost, Fatal)):
        async with lane_errors():
            raise kind
