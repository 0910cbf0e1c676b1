"""Micro-batches: within their limits, around the oldest, and nobody is forgotten."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.batching import next_batch

waiting = st.lists(st.integers(1, 300), min_size=1, max_size=120)
token_limits = st.integers(1, 2000)
item_limits = st.integers(1, 64)


def batch(lengths: list[int], tokens: int = 1024, items: int = 16) -> list[int]:
    return next_batch(lengths, max_tokens=tokens, max_items=items)


@given(waiting, token_limits, item_limits)
def test_every_batch_holds_the_oldest(lengths: list[int], tokens: int, items: int) -> None:
    assert 0 in batch(lengths, tokens, items)


@given(waiting, token_limits, item_limits)
def test_the_indices_ascend_and_exist(lengths: list[int], tokens: int, items: int) -> None:
    found = batch(lengths, tokens, items)
    assert found == sorted(set(found))
    assert set(found) <= set(range(len(lengths)))


@given(waiting, token_limits, item_limits)
def test_a_batch_keeps_to_its_limits_or_is_one_item(
    lengths: list[int], tokens: int, items: int
) -> None:
    found = batch(lengths, tokens, items)
    padded = max(lengths[i] for i in found) * len(found)
    assert len(found) <= items
    assert padded <= tokens or found == [0]


@given(waiting, token_limits, item_limits)
def test_the_items_of_a_batch_are_neighbours_in_length(
    lengths: list[int], tokens: int, items: int
) -> None:
    found = batch(lengths, tokens, items)
    taken = [lengths[i] for i in found]
    left = [length for i, length in enumerate(lengths) if i not in found]
    assert not any(min(taken) < length < max(taken) for length in left)


@given(waiting, token_limits, item_limits)
def test_of_equal_lengths_the_older_goes_first(lengths: list[int], tokens: int, items: int) -> None:
    found = set(batch(lengths, tokens, items))
    for i in found:
        assert all(j in found for j in range(i) if lengths[j] == lengths[i])


@given(waiting, token_limits, item_limits)
def test_no_run_of_neighbours_around_the_oldest_is_cheaper(
    lengths: list[int], tokens: int, items: int
) -> None:
    def price(taken: list[int]) -> float:
        return (20 + max(taken) * len(taken)) / sum(taken)

    ascending = sorted(lengths)
    oldest = ascending.index(lengths[0])
    runs = [
        run
        for first in range(oldest + 1)
        for last in range(oldest, len(ascending))
        if len(run := ascending[first : last + 1]) <= items and max(run) * len(run) <= tokens
    ]
    found = [lengths[i] for i in batch(lengths, tokens, items)]
    assert all(price(found) <= price(run) + 1e-9 for run in runs)


def test_nothing_waiting_is_no_batch() -> None:
    assert batch([]) == []


def test_an_item_longer_than_the_limit_goes_alone() -> None:
    assert batch([2000, 10, 2000, 10]) == [0]


def test_equal_lengths_fill_the_batch() -> None:
    assert batch([30] * 40) == list(range(16))


def test_equal_lengths_fill_the_tokens() -> None:
    assert batch([100] * 40, tokens=1000) == list(range(10))


def test_an_outlier_is_not_padded_for() -> None:
    assert batch([10, 250, 10, 10, 250, 10]) == [0, 2, 3, 5]


def test_empty_items_are_batched_too() -> None:
    assert batch([0, 0, 0]) == [0, 1, 2]


@pytest.mark.parametrize(("tokens", "items"), [(0, 1), (1, 0), (-1, 5)])
def test_a_batch_without_room_is_refused(tokens: int, items: int) -> None:
    with pytest.raises(ValueError, match="room"):
        batch([1], tokens, items)


@given(waiting, waiting, token_limits, item_limits)
def test_an_item_is_passed_over_only_by_batches_with_an_older_one_and_at_most_once_each(
    lengths: list[int], arriving: list[int], tokens: int, items: int
) -> None:
    queue = list(enumerate(lengths))
    still = iter(enumerate(arriving, start=len(lengths)))
    older = {arrival: place for place, (arrival, _) in enumerate(queue)}
    passed = dict.fromkeys(older, 0)
    while queue:
        found = set(batch([length for _, length in queue], tokens, items))
        served = [queue[i][0] for i in found]
        queue = [item for i, item in enumerate(queue) if i not in found]
        for arrival, _ in queue:
            passed[arrival] += 1
            assert min(served) < arrival
        newcomers = [item for item in (next(still, None) for _ in found) if item]
        for arrival, length in newcomers:
            older[arrival], passed[arrival] = len(queue), 0
            queue.append((arrival, length))
    assert all(passed[arrival] <= older[arrival] for arrival in passed)


def test_padding_is_small_where_enough_is_waiting() -> None:
    draw = random.Random(42)
    lengths = [max(3, round(draw.gauss(30, 10))) for _ in range(2000)]
    queue, rest, padded = lengths[:256], lengths[256:], 0
    while queue:
        found = set(batch(queue))
        padded += max(queue[i] for i in found) * len(found)
        queue = [length for i, length in enumerate(queue) if i not in found]
        queue, rest = queue + rest[: len(found)], rest[len(found) :]
    assert sum(lengths) / padded > 0.93
