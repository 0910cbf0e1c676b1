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
}
"""How the faults that are not kills of the broker are shared out."""
BROKER_SHARE: Final = 0.06
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
_FEWEST_BETWEEN_BROKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong ``after_s`` seconds after the one before."""

    after_s: float
    kind: Kind
    role: Role
    draw: float
    """In [0, 1): which of the role's running instances it hits."""
    lasts_s: float


def plan(faults: int, seed: int, broker_share: float = BROKER_SHARE) -> list[Fault]:
    """Return this many faults, of which ``broker_share`` (0 to 1) are kills of the broker.

    Six faults or more have a broker among them unless the share is 0, and every other kind where
    the share leaves room for it.
    """
    draw = Random(seed)
    kinds = _kinds(faults, draw, broker_share)
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


def _kinds(faults: int, draw: Random, broker_share: float) -> list[Kind]:
    small = list(_WEIGHTS)
    fewest = 1 if broker_share and faults > len(small) else 0
    brokers = max(round(broker_share * faults), fewest)
    others = faults - brokers
    kinds = [*small[:others], *draw.choices(small, list(_WEIGHTS.values()), k=others)][:others]
    draw.shuffle(kinds)
    # An insertion moves what stands behind it, so the places are taken from the first to the last.
    for place in _places(brokers, others, draw):
        kinds.insert(place, "broker")
    return kinds


def _places(brokers: int, others: int, draw: Random) -> list[int]:
    """Return where among all faults the brokers are, in order, with others between them."""
    # A broker needs seconds to come back; in between the others must get something done.
    fair = others // max(brokers - 1, 1)
    between = min(fair, max(_FEWEST_BETWEEN_BROKERS, fair // 2))
    room = others + brokers - max(brokers - 1, 0) * between
    return [
        place + n * between for n, place in enumerate(sorted(draw.sample(range(room), brokers)))
    ]
