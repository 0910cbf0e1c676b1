"""Keeps the demand for the cloud, from which the share that is admitted follows."""

from collections.abc import Callable
from threading import Lock

from router.budget import Ceiling, Demand, admitted_share, observed


class Budget:
    """One process's share of a ceiling. Its methods may be called from any thread."""

    def __init__(
        self, ceiling: Ceiling, monotonic: Callable[[], float], part: Callable[[], float]
    ) -> None:
        """``part`` tells which part of the traffic this process has now."""
        self._ceiling = ceiling
        self._monotonic = monotonic
        self._part = part
        self._demand = Demand()
        self._lock = Lock()

    def admitted(self) -> float:
        """Return the share of what would be escalated that may be now."""
        if not self._ceiling.is_set:
            return 1.0
        return admitted_share(self._ceiling, self._demand, self._part())

    def saw(self, scored: int, wanted: int) -> None:
        """Count messages that were decided, and those of them that would be escalated."""
        with self._lock:
            self._demand = observed(self._demand, scored, wanted, self._monotonic())
