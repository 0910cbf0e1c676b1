"""An endless stream of conversations, one after the other or overlapping in time."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, count, islice
from random import Random
from typing import Final

from schemas.transcript import Transcript
from training.generator.talk import Mix, Turn, conversation

_DAY: Final = range(7, 21)
_GAP_BY_DAY_S: Final = 12.0
_GAP_BY_NIGHT_S: Final = 120.0
"""Mean seconds between two conversations' beginnings."""
_SHORTEST_PAUSE_S: Final = 4.0
_PAUSE_S: Final = {"agent": 45.0, "customer": 75.0}
"""Mean seconds, on top of the shortest, until this side answers."""


def turns(
    draw: Random, name: str, mix: Mix | None = None, start: datetime | None = None
) -> Iterator[Turn]:
    """Yield turns without end; ``name`` begins every conversation id.

    With ``start`` every turn has a timestamp and they come in the order of time, so that the turns
    of conversations that go on at the same time are mixed, as on a real topic.
    """
    mix = mix or Mix()
    talks = (conversation(draw, f"{name}-{number:05d}", mix) for number in count())
    return chain.from_iterable(talks) if start is None else _overlapping(talks, start, draw)


def conversations(turns_wanted: int, seed: int = 42) -> Iterator[Transcript]:
    """Yield this many turns of whole conversations; the last one may be cut short."""
    for turn in islice(turns(Random(seed), f"demo{seed}"), turns_wanted):
        yield turn.transcript


def messages_of(stream: Iterable[Turn], count_wanted: int) -> Iterator[Turn]:
    """Yield turns until ``count_wanted`` messages of customers are among them."""
    left = count_wanted
    for turn in stream:
        if left <= 0:
            return
        left -= turn.label is not None
        yield turn


def _overlapping(talks: Iterable[Iterable[Turn]], start: datetime, draw: Random) -> Iterator[Turn]:
    waiting: list[tuple[datetime, int, Turn]] = []
    order = count()
    begin = start
    for talk in talks:
        while waiting and waiting[0][0] <= begin:
            yield heapq.heappop(waiting)[2]
        at = begin
        for turn in talk:
            if turn.transcript.turn:
                at += _after(draw, _SHORTEST_PAUSE_S, _PAUSE_S[turn.transcript.role])
            timed = turn.transcript.model_copy(update={"timestamp": at})
            heapq.heappush(waiting, (at, next(order), replace(turn, transcript=timed)))
        mean = _GAP_BY_DAY_S if begin.hour in _DAY else _GAP_BY_NIGHT_S
        begin += _after(draw, 0.0, mean)


def _after(draw: Random, shortest_s: float, mean_s: float) -> timedelta:
    return timedelta(milliseconds=round(1000 * (shortest_s + draw.expovariate(1 / mean_s))))
