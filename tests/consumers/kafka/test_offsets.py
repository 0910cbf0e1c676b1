"""A group's committed offset: an error is never taken for a group that has committed nothing.

The answers are made here, because a real coordinator gives the wrong one only for an instant.
"""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, GroupLoadInProgressError, KafkaError
from aiokafka.protocol.commit import OffsetFetchResponse_v3

from consumers.kafka.offsets import committed_offset

PLACE = TopicPartition("topic", 3)
Answer = tuple[list[tuple[int, int]], int]
"""Offset and error code of each partition, and the error code of the whole."""


class Coordinator:
    """Gives these answers, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    async def coordinator_lookup(self, kind: int, key: str) -> int:
        return 1

    async def send(self, node: int, request: object) -> Any:
        found, error = self._answers.pop(0)
        places = [(PLACE.partition, offset, "", code) for offset, code in found]
        return OffsetFetchResponse_v3(
            throttle_time_ms=0, topics=[(PLACE.topic, places)] if places else [], error_code=error
        )


async def test_a_committed_offset_is_returned() -> None:
    assert await committed_offset(Coordinator(([(42, 0)], 0)), "group", PLACE) == 42


async def test_a_group_that_has_committed_nothing_has_no_offset() -> None:
    assert await committed_offset(Coordinator(([(-1, 0)], 0)), "group", PLACE) is None


async def test_a_coordinator_that_is_loading_is_asked_again() -> None:
    loading: Answer = ([], GroupLoadInProgressError.errno)
    assert await committed_offset(Coordinator(loading, ([(42, 0)], 0)), "group", PLACE) == 42


async def test_an_error_of_the_partition_is_asked_again() -> None:
    loading: Answer = ([(-1, GroupLoadInProgressError.errno)], 0)
    assert await committed_offset(Coordinator(loading, ([(42, 0)], 0)), "group", PLACE) == 42


async def test_a_refusal_is_raised() -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await committed_offset(
            Coordinator(([], GroupAuthorizationFailedError.errno)), "group", PLACE
        )


async def test_an_answer_without_the_partition_is_an_error() -> None:
    with pytest.raises(KafkaError):
        await committed_offset(Coordinator(([], 0)), "group", PLACE)
