"""When something went wrong first, and after which faults. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.chaos.recount import Check, Position

_SHOWN: Final = 3


class Happened(NamedTuple):
    """A fault that was carried out."""

    at: float
    """Seconds since the start of the run."""
    what: str


def firsts(checks: Sequence[Check], happened: Sequence[Happened]) -> list[str]:
    """Return a line for the first that was doubled, and one for the first that was lost."""
    doubled = [(check.first_doubled, check.name) for check in checks if check.first_doubled]
    lost = [(check.first_lost, check.name) for check in checks if check.first_lost]
    return [
        f"first {what}: {name} {shown(place)} {verb} {at:.1f} s, {_after(at, happened)}"
        for what, verb, found in (("doubled", "at", doubled), ("lost", "written at", lost))
        for (at, place), name in sorted(found)[:1]
    ]


def shown(place: Position) -> str:
    """Return a position as text."""
    return f"[{place[0]}]@{place[1]}"


def _after(at: float, happened: Sequence[Happened]) -> str:
    """Name the last few faults before a moment, the last one first: faults overlap."""
    before = [
        f"{at - fault.at:.1f} s after fault {number} ({fault.what})"
        for number, fault in enumerate(happened, start=1)
        if fault.at <= at
    ]
    return ", ".join(reversed(before[-_SHOWN:])) or "before any fault"
