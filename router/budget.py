"""How much of what would be escalated may be, so that the cloud stays under a ceiling.

The answer is a share, and who is in it follows from the message's identity: so the ceiling takes
from every hour and from every kind of message alike, and not from whoever comes last. Pure: counts
and times are arguments.
"""

import math
from dataclasses import dataclass
from typing import Final

from router.economics import DAY

MEMORY_S: Final = 600.0
"""How far back the rate of escalations is remembered: a message counts 1/e after this long."""
MEMORY_ITEMS: Final = 2_000.0
"""How far back their share is remembered, in messages, the same way."""
_UNSEEN: Final = 100.0
"""Messages taken to have come before the first, all of them hard."""
_LEAST: Final = 1e-300
"""Dollars: what is divided by must not be 0."""
_SHORTEST_S: Final = 1.0
"""A rate is not concluded from less than this."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What may be spent on the cloud; None is no limit. ``price`` is that of an escalation."""

    price: float
    share: float | None = None
    """Of the scored messages that may be escalated."""
    dollars_a_day: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return self.share is not None or self.dollars_a_day is not None


@dataclass(frozen=True, slots=True)
class Demand:
    """What came, fading: messages that would be escalated (``wanted``) among those scored.

    ``scored`` and ``wanted`` fade with messages, ``recent`` and ``seconds`` with time. What they
    start with stands for more than is likely to come, so that an unknown demand starts careful.
    """

    scored: float = _UNSEEN
    wanted: float = _UNSEEN
    recent: float = 1.0
    seconds: float = 0.0
    at: float | None = None


def observed(demand: Demand, scored: int, wanted: int, now: float) -> Demand:
    """Return the demand after ``scored`` more messages, ``wanted`` of which were hard."""
    passed = 0.0 if demand.at is None else max(now - demand.at, 0.0)
    by_items = math.exp(-scored / MEMORY_ITEMS)
    by_time = math.exp(-passed / MEMORY_S)
    return Demand(
        scored=demand.scored * by_items + scored,
        wanted=demand.wanted * by_items + wanted,
        recent=demand.recent * by_time + wanted,
        seconds=demand.seconds * by_time + MEMORY_S * (1.0 - by_time),
        at=now,
    )


def admitted_share(ceiling: Ceiling, demand: Demand, part: float) -> float:
    """Return the share of what would be escalated that may be, in [0, 1].

    ``part`` is the part of the traffic that this process has, and so of the dollars.
    """
    return min(_by_share(ceiling, demand), _by_dollars(ceiling, demand, part), 1.0)


def _by_share(ceiling: Ceiling, demand: Demand) -> float:
    if ceiling.share is None or demand.wanted <= 0.0:
        return 1.0
    return ceiling.share * demand.scored / demand.wanted


def _by_dollars(ceiling: Ceiling, demand: Demand, part: float) -> float:
    """Compare with a day that goes on as it goes now."""
    if ceiling.dollars_a_day is None:
        return 1.0
    projected = demand.recent / max(demand.seconds, _SHORTEST_S) * DAY * ceiling.price
    allowed = ceiling.dollars_a_day * part
    # Nothing at all may be allowed, and then nothing is, whatever is projected.
    return 1.0 if projected < allowed else allowed / max(projected, _LEAST)
