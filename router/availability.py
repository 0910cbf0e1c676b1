"""Whether the cloud takes work, concluded from what is seen of it. Pure: the time is an argument.

It is away when nobody works there or when its oldest open question has waited for too long, and it
is back only once it has looked well for a while, so a worker that comes and goes moves nothing.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class AwayRules:
    """From when the cloud counts as away, and from when as back. All in seconds."""

    absent_s: float
    """Without a worker for this long, it is away."""
    oldest_s: float
    """With a question that has waited for longer than this, it is away; back at half of it."""
    settle_s: float
    """This long it must have looked well before it counts as back."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of the cloud: how many work there, and the age of its oldest open question."""

    workers: int
    oldest_s: float | None
    """None where nothing waits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is concluded so far.

    ``since`` is when what speaks for the contrary began to be seen, without a break; None where
    nothing speaks for it.
    """

    available: bool = True
    since: float | None = None


def judged(standing: Standing, rules: AwayRules, seen: Observation | None, now: float) -> Standing:
    """Return what is concluded after one more look; a look that failed (None) changes nothing.

    A question that is too old counts at once: its age is itself the patience. All else must have
    been seen at every look for a time: the absence of workers for ``absent_s``, and that all is
    well for ``settle_s``.
    """
    if seen is None:
        return standing
    if standing.available and _waits_over(seen, rules.oldest_s):
        return Standing(available=False)
    if not _speaks_against(standing, rules, seen):
        return replace(standing, since=None)
    since = now if standing.since is None else standing.since
    needed = rules.absent_s if standing.available else rules.settle_s
    if now - since < needed:
        return replace(standing, since=since)
    return Standing(available=not standing.available)


def _speaks_against(standing: Standing, rules: AwayRules, seen: Observation) -> bool:
    """Return whether what was seen is a reason to conclude the contrary."""
    if standing.available:
        return seen.workers == 0
    return seen.workers > 0 and not _waits_over(seen, rules.oldest_s / 2)


def _waits_over(seen: Observation, limit_s: float) -> bool:
    return seen.oldest_s is not None and seen.oldest_s > limit_s
