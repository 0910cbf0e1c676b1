"""Which of the waiting messages to infer together.

A batch is padded to its longest item, so mixing lengths pays for nothing; and each run of a session
has a cost of its own, so batches of one do too. The best batch is the one that costs least for each
token that is not padding.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

RUN_COST: Final = 20
"""What starting a run costs, in tokens: measured as about half a message of 30 to 40 tokens."""


def next_batch(lengths: Sequence[int], *, max_tokens: int, max_items: int) -> list[int]:
    """Return the indices of the next micro-batch, ascending; none where nothing waits.

    ``lengths`` are the waiting items' token lengths in order of arrival. The batch holds the oldest
    item (index 0) and those nearest to it in length, of equals the older. Its longest length times
    its count is at most ``max_tokens``, and its count at most ``max_items``; an item longer than
    ``max_tokens`` goes alone.

    Since every batch holds the oldest, an item that arrived with n others before it waits for at
    most n batches, each of which holds one that is older than itself.
    """
    if max_tokens < 1 or max_items < 1:
        raise ValueError("a batch must have room for at least one token and one item")
    if not lengths:
        return []
    order, oldest = _around_the_oldest(lengths)
    first, last = _window([max(lengths[i], 1) for i in order], oldest, max_tokens, max_items)
    return sorted(order[first : last + 1])


def _around_the_oldest(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Return the indices by length, and where the oldest is among them.

    Sorting is stable: of equal lengths the older is nearer to the oldest, on either side.
    """
    pivot = lengths[0]
    newest_first = range(len(lengths) - 1, 0, -1)
    shorter = sorted((i for i in newest_first if lengths[i] < pivot), key=lengths.__getitem__)
    others = sorted(
        (i for i in range(len(lengths)) if lengths[i] >= pivot), key=lengths.__getitem__
    )
    return shorter + others, len(shorter)


def _window(ascending: list[int], oldest: int, max_tokens: int, max_items: int) -> tuple[int, int]:
    """Return the first and last position of the cheapest run of neighbours around the oldest."""
    sums = [0, *accumulate(ascending)]
    best, cheapest = (oldest, oldest), float("inf")
    for last in range(oldest, min(len(ascending), oldest + max_items)):
        longest = ascending[last]
        room = min(max_items, max_tokens // longest)
        if room < last - oldest + 1:
            break
        before = float("inf")
        for first in range(oldest, max(last - room, -1), -1):
            padded = longest * (last - first + 1)
            price = (RUN_COST + padded) / (sums[last + 1] - sums[first])
            if price > before:
                # Ever shorter items follow: once one does not pay for its padding, none does.
                break
            before = price
            if price <= cheapest:
                best, cheapest = (first, last), price
    return best
