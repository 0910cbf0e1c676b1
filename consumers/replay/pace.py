"""When the next line of a replay is due: as fast as it goes, at a rate, or in the file's time."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from consumers.replay.transcripts import ReplayError

_CATCH_UP_S: Final = 1.0
"""A replay that has fallen behind its rate makes up for this much, and never for more at once."""


class Pace:
    """Tells how long to wait before each line. Time is passed in."""

    def __init__(
        self, now: Callable[[], float], *, rate: float | None = None, speed: float | None = None
    ) -> None:
        """Take ``rate`` lines a second, or the file's own time, ``speed`` times as fast."""
        self._now = now
        self._rate = rate
        self._speed = speed
        self._due: float | None = None
        self._first: tuple[float, datetime] | None = None

    def wait_s(self, moment: datetime | None) -> float:
        """Return the seconds until the next line is due, whose own time is ``moment``.

        To be called once a line. A line without a time, or with one before the first, is due now;
        but where the first line has none, `ReplayError` says what to do.
        """
        now = self._now()
        if self._rate is not None:
            # The first is due at once; what a stall cost is made up for in part only.
            due = now if self._due is None else self._due + 1 / self._rate
            self._due = max(due, now - _CATCH_UP_S)
            return max(self._due - now, 0.0)
        if self._speed is None:
            return 0.0
        if moment is None:
            return self._untimed()
        if self._first is None:
            self._first = (now, moment)
        started, first = self._first
        return max(started + (moment - first).total_seconds() / self._speed - now, 0.0)

    def _untimed(self) -> float:
        if self._first is None:
            raise ReplayError(
                "The first line has no timestamp, so the file's own time is not known: say which "
                "column it is in (--column timestamp=NAME), or give a --rate."
            )
        return 0.0
