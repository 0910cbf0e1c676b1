"""Stops a role that makes dead letters of nearly everything: its input is wrong, not its records.

A topic that somebody writes in another format would otherwise be drained into the dead letters.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from consumers.contracts import Sink
from consumers.errors import Fatal
from router.plan import Output


class DeadLetterShare:
    """The share of dead letters among the last ``window`` records that were finished."""

    def __init__(self, share: float, window: int) -> None:
        """Allow ``share`` of them, 0 to 1; 1 allows everything."""
        self._allowed = int(share * window + 1e-9)  # a share of 0.29 allows 29 of 100
        self._last: deque[bool] = deque(maxlen=window)
        self._dead = 0

    def count(self, finished: Iterable[bool]) -> bool:
        """Take in records, True for a dead letter; return whether it was ever too many.

        Nothing is too many before the window is full.
        """
        exceeded = False
        for dead in finished:
            if len(self._last) == self._last.maxlen:
                self._dead -= self._last[0]
            self._last.append(dead)
            self._dead += dead
            full = len(self._last) == self._last.maxlen
            exceeded = exceeded or (full and self._dead > self._allowed)
        return exceeded


def finished(outputs: Iterable[Output]) -> Iterator[bool]:
    """Tell for each input record among what the edge writes whether it became a dead letter."""
    return (output.refuses for output in outputs if output.topic == "decisions")


class GuardedSink:
    """A lane's way out that counts what it has committed, and ends the role at too many letters."""

    def __init__(self, sink: Sink[Output], share: DeadLetterShare, sentence: str) -> None:
        self._sink = sink
        self._share = share
        self._sentence = sentence

    async def open(self) -> int:
        """As the sink within."""
        return await self._sink.open()

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Commit, then judge: what is committed stays, and is not done again at the next start."""
        await self._sink.commit(outputs, next_offset)
        if self._share.count(finished(outputs)):
            raise Fatal(self._sentence)

    async def close(self) -> None:
        """As the sink within."""
        await self._sink.close()
