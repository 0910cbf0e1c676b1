"""When an edge stops for too many dead letters."""

from collections.abc import Sequence

import pytest

from consumers.errors import Fatal
from consumers.roles.dead_letter_limit import DeadLetterShare, GuardedSink, finished
from router.plan import Output

DECISION = Output("decisions", b"k", b"{}")
RESULT = Output("results", b"k", b"{}")
REFUSAL = Output("decisions", b"k", b"{}", refuses=True)
LETTER = Output("dead_letters", b"k", b"?")


def stops(share: float, window: int, *records: bool) -> bool:
    return DeadLetterShare(share, window).count(records)


def test_nothing_is_judged_before_the_window_is_full() -> None:
    assert not stops(0.5, 10, *[True] * 9)
    assert stops(0.5, 10, *[True] * 10)


@pytest.mark.parametrize(("share", "dead"), [(0.5, 50), (0.29, 29), (0.07, 7), (0.0, 0)])
def test_the_share_itself_is_allowed_and_one_more_is_not(share: float, dead: int) -> None:
    assert not stops(share, 100, *[True] * dead, *[False] * (100 - dead))
    assert stops(share, 100, *[True] * (dead + 1), *[False] * (99 - dead))


def test_only_the_last_records_count() -> None:
    share = DeadLetterShare(0.5, 4)
    assert not share.count([True, True, False, False])
    assert not share.count([False, False, True, True, False, False] * 50)
    assert share.count([True, True, True])


def test_a_burst_inside_one_commit_is_not_hidden_by_what_comes_behind_it() -> None:
    assert stops(0.5, 4, *[True] * 4, *[False] * 8)


def test_with_a_share_of_one_nothing_stops() -> None:
    assert not stops(1.0, 10, *[True] * 1_000)


def test_an_input_is_one_record_whatever_is_written_for_it() -> None:
    escalation = Output("escalations", b"k", b"{}")
    for outputs in (
        [DECISION, RESULT, LETTER, REFUSAL, DECISION, escalation],
        [DECISION, RESULT, REFUSAL, LETTER, escalation, DECISION],
    ):
        assert list(finished(outputs)) == [False, True, False]


class Kept:
    """A way out that keeps what it is given."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    async def open(self) -> int:
        return 0

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        self.offsets.append(next_offset)

    async def close(self) -> None:
        """Nothing to close."""


async def test_lanes_share_one_count_and_the_last_commit_is_kept_when_they_stop() -> None:
    share, kept = DeadLetterShare(0.5, 4), Kept()
    first, second = (GuardedSink(kept, share, "Too many.") for _ in range(2))
    await first.commit([LETTER, REFUSAL] * 3, 3)
    with pytest.raises(Fatal, match=r"Too many\."):
        await second.commit([LETTER, REFUSAL], 1)
    assert kept.offsets == [3, 1]
