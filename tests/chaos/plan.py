"""What goes wrong and when: a list of faults that follows from a seed."""

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Role = Literal["edge", "cloud", "monitor"]
Kind = Literal["kill", "stop long", "stop short", "leave", "join", "broker"]
ROLES: Final[tuple[Role, ...]] = ("edge", "cloud", "monitor")
KINDS: Final[tuple[Kind, ...]] = ("kill", "stop long", "stop short", "leave", "join", "broker")

SESSION_S: Final = 6.0
"""Session timeout of the members: a stop longer than this costs a member its partitions."""
TRANSACTION_S: Final = 10.0
HASTY_TRANSACTION_S: Final = 4.0
"""Transaction timeout of the first instance of each role: below the session timeout, so that a
short stop can outlive a transaction of a member that keeps its partitions."""

_WEIGHTS: Final[dict[Kind, int]] = {
    "kill": 36,
    "stop long": 22,
    "stop short": 12,
    "leave": 12,
    "join": 12,
    "broker": 6,
}
_LASTS_S: Final[dict[Kind, tuple[float, float]]] = {
    "kill": (0.1, 3.0),
    "stop long": (SESSION_S + 1, SESSION_S + 6),
    "stop short": (HASTY_TRANSACTION_S + 0.5, SESSION_S - 0.5),
    "leave": (0.5, 4.0),
    "join": (5.0, 15.0),
    "broker": (0.0, 2.0),
}
"""Seconds until the victim is back: started again, resumed, or (who joined) gone."""
_SPACING_S: Final = (1.0, 5.0)
_FEWEST_BETWEEN_BROKERS: Final = 9


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong ``after_s`` seconds after the one before."""

    after_s: float
    kind: Kind
    role: Role
    draw: float
    """In [0, 1): which of the role's running instances it hits."""
    lasts_s: float


def plan(faults: int, seed: int) -> list[Fault]:
    """Return this many faults; with seven or more, every kind and a broker among them."""
    draw = Random(seed)
    kinds = _kinds(faults, draw)
    roles: list[Role] = draw.choices(ROLES, (5, 3, 2), k=faults)
    return [
        Fault(
            after_s=draw.uniform(*_SPACING_S),
            kind=kind,
            role=role,
            draw=draw.random(),
            lasts_s=draw.uniform(*_LASTS_S[kind]),
        )
        for kind, role in zip(kinds, roles, strict=True)
    ]


def _kinds(faults: int, draw: Random) -> list[Kind]:
    small: list[Kind] = [kind for kind in KINDS if kind != "broker"]
    kinds = [*small[:faults], *draw.choices(small, [_WEIGHTS[k] for k in small], k=faults)][:faults]
    draw.shuffle(kinds)
    # A broker needs seconds to come back; in between the others must get something done.
    share = _WEIGHTS["broker"] / sum(_WEIGHTS.values())
    every = max(round(1 / share), _FEWEST_BETWEEN_BROKERS)
    for start in range(0, faults, every):
        place = start + draw.randrange(every // 2, every - 2)
        if place < faults and faults > len(small):
            kinds[place] = "broker"
    return kinds
