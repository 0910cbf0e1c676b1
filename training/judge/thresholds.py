"""Which thresholds to give the tiers of the edge, for a target, from held-out messages.

Two dangers are kept apart. What a choice costs is counted on labels, and reported so. But some
hundred labels are too few to choose a combination of thresholds by: the luckiest one would win. So
the earlier tiers' share of the work is set by the cloud network's probabilities of their answers,
which vary far less than right and wrong do, and only the way to the cloud by the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from router.economics import Prices, saving_at
from schemas.record import Record
from training.config import Aim
from training.judge.scores import Bools, Floats, Integers, Scores

GRAIN: Final = 10_000
"""Thresholds are rounded down to a ten-thousandth, which never keeps less than was asked for."""
_COMBINATIONS: Final = 250
"""Of the thresholds of all tiers but the last, at most."""
_LAST: Final = 1_000
_POINTS: Final = 400
_CLOSE: Final = 0.005
"""By how much a choice may keep more at the edge than the one that keeps least and enough."""
_CHUNK: Final = 4_000_000


class Point(Record):
    """What one choice of thresholds does, audit included, on the messages it was chosen from.

    ``tier_shares`` is by tier, the cloud's last; ``accuracy`` is the system's, ``loss`` relative to
    cloud-only; ``cost`` is dollars a message and ``saving`` the share of cloud-only's cost.
    """

    thresholds: dict[str, float]
    edge_share: float
    tier_shares: dict[str, float]
    accuracy: float
    loss: float
    cost: float
    saving: float


class Choice(NamedTuple):
    """The number of the candidate chosen, and whether it meets the target."""

    number: int
    met: bool


@dataclass(frozen=True)
class Candidates:
    """Choices of thresholds, a row each, and what each does on the same held-out messages.

    ``thresholds`` is [choices, edge tiers]. ``kept`` [choices, edge tiers] counts what each tier
    keeps, before the audit; of all that the edge keeps, ``gained`` [choices] counts those on which
    only the edge is right and ``lost`` those on which only the cloud is: enough to estimate the
    loss, or to bound it. ``expected`` [choices] is the change in right answers to be expected by
    the cloud network's probabilities. Rows are in blocks of equal thresholds of all tiers but the
    last, in which the share at the edge rises; a block starts where ``first`` [choices] is true.
    """

    thresholds: Floats
    kept: Integers
    gained: Integers
    lost: Integers
    expected: Floats
    first: Bools
    messages: int
    cloud_right: int
    audit_rate: float

    @property
    def edge_share(self) -> Floats:
        """Return the share of messages that stay at the edge, the audited ones not among them."""
        share = self.kept.sum(axis=1) * ((1 - self.audit_rate) / self.messages)
        return np.asarray(share, dtype=np.float64)

    @property
    def accuracy(self) -> Floats:
        """Return the system's accuracy, as expected over the audit's draw."""
        change = (1 - self.audit_rate) * (self.gained - self.lost)
        return np.asarray((self.cloud_right + change) / self.messages, dtype=np.float64)

    @property
    def loss(self) -> Floats:
        """Return the loss of accuracy relative to cloud-only; negative where the system gains."""
        change = (1 - self.audit_rate) * (self.lost - self.gained)
        return np.asarray(change / max(self.cloud_right, 1), dtype=np.float64)


def candidates(
    tiers: Sequence[Scores], cloud: Scores, cloud_shares: Floats, audit_rate: float
) -> Candidates:
    """Return every combination of a grid of thresholds for the edge's ``tiers``, in their order.

    ``cloud_shares`` [messages, labels] are the cloud's probabilities. The grids are quantiles of
    each tier's confidence, with 0 and 1; the last tier's is as fine as its confidences are.
    """
    *earlier, last = tiers
    size = int(_COMBINATIONS ** (1 / max(len(earlier), 1)))
    combinations = np.array(
        list(product(*(_grid(tier.keen, size) for tier in earlier))), dtype=np.float64
    )
    grid = _grid(last.keen, _LAST)[::-1]
    values = [_values(tier, cloud, cloud_shares) for tier in tiers]
    step = max(1, _CHUNK // len(cloud.right))
    sums = np.concatenate(
        [
            _sums(tiers, values, grid, combinations[start : start + step])
            for start in range(0, len(combinations), step)
        ]
    )
    thresholds = np.empty((*sums.shape[:2], len(tiers)))
    thresholds[:, :, :-1] = combinations[:, None, :]
    thresholds[:, :, -1] = grid
    first = np.zeros(sums.shape[:2], dtype=np.bool_)
    first[:, 0] = True
    *kept, gained, lost, expected = sums.reshape(-1, sums.shape[2]).T
    return Candidates(
        thresholds=thresholds.reshape(-1, len(tiers)),
        kept=np.stack(kept, axis=1).astype(np.int64),
        gained=gained.astype(np.int64),
        lost=lost.astype(np.int64),
        expected=expected,
        first=first.ravel(),
        messages=len(cloud.right),
        cloud_right=int(cloud.right.sum()),
        audit_rate=audit_rate,
    )


def choose(found: Candidates, aim: Aim, tolerance: float) -> Choice:
    """Return the candidate for a target; where none meets it, the one nearest to it.

    For each share at the edge there is one sensible choice. Of the candidates that just reach the
    share, some are expected to be at most ``tolerance`` (of accuracy) below the best; of these it
    is the one whose first tier keeps most, of equals the second, and so on. A target for the share
    takes that share's choice. A largest loss takes the largest share up to which no choice, by the
    labels, loses more.
    """
    if aim.target == "edge_share":
        edge_share = found.edge_share
        number = _sensible(found, edge_share, aim.value, tolerance)
        return Choice(number, met=bool(edge_share[number] >= aim.value))
    numbers = np.array(_line(found, tolerance))
    kept_to = np.logical_and.accumulate(found.loss[numbers] <= aim.value)
    number = int(numbers[max(int(kept_to.sum()) - 1, 0)])
    return Choice(number, met=bool(kept_to[0]))


def point(found: Candidates, number: int, edge: Sequence[str], cloud: str) -> Point:
    """Return a candidate in names and shares; ``edge`` and ``cloud`` name the tiers."""
    prices = Prices()
    edge_share = float(found.edge_share[number])
    shares = found.kept[number] * ((1 - found.audit_rate) / found.messages)
    return Point(
        thresholds=dict(zip(edge, found.thresholds[number].tolist(), strict=True)),
        edge_share=edge_share,
        tier_shares={**dict(zip(edge, shares.tolist(), strict=True)), cloud: 1 - edge_share},
        accuracy=float(found.accuracy[number]),
        loss=float(found.loss[number]),
        cost=prices.edge + (1 - edge_share) * prices.cloud,
        saving=saving_at(edge_share, prices),
    )


def curve(
    found: Candidates, tolerance: float, edge: Sequence[str], cloud: str
) -> tuple[Point, ...]:
    """Return the sensible choices, the smallest share at the edge first; at most 400."""
    return tuple(point(found, number, edge, cloud) for number in _line(found, tolerance))


def _line(found: Candidates, tolerance: float) -> list[int]:
    edge_share = found.edge_share
    wanted = np.linspace(0, 1 - found.audit_rate, _POINTS).tolist()
    return list(dict.fromkeys(_sensible(found, edge_share, share, tolerance) for share in wanted))


def _sensible(found: Candidates, edge_share: Floats, share: float, tolerance: float) -> int:
    """Return the choice for a share at the edge, or for the largest possible if that is less."""
    enough = edge_share >= min(share, edge_share.max())
    just = enough.copy()
    just[1:] &= ~enough[:-1] | found.first[1:]
    pool = np.flatnonzero(just)
    # Where the earlier tiers alone keep more than the share, the cloud would be left unused.
    pool = pool[edge_share[pool] <= edge_share[pool].min() + _CLOSE]
    expected = found.expected[pool]
    # Equal sums in another order differ in their last digits.
    pool = pool[expected >= expected.max() - tolerance * found.messages - 1e-9]
    return int(pool[np.lexsort(found.kept[pool, ::-1].T)[-1]])


def _grid(keen: Floats, size: int) -> Floats:
    """Return thresholds from 0 to 1, ascending, rounded down to the grain."""
    known = np.floor(keen[keen >= 0] * GRAIN) / GRAIN
    if len(np.unique(known)) > size - 2:
        known = np.quantile(known, np.linspace(0, 1, size - 2), method="lower")
    return np.unique(np.concatenate([[0.0], known, [1.0]]))


def _values(tier: Scores, cloud: Scores, cloud_shares: Floats) -> Floats:
    """Return what is summed over the messages that a tier keeps: gained, lost, expected change."""
    rows = np.arange(len(cloud.right))
    change = cloud_shares[rows, tier.guesses] - cloud_shares[rows, cloud.guesses]
    return np.stack([tier.right & ~cloud.right, ~tier.right & cloud.right, change])


def _sums(
    tiers: Sequence[Scores], values: Sequence[Floats], grid: Floats, combinations: Floats
) -> Floats:
    """Return [combinations, grid, tiers + 3]: what each tier keeps, and the sums of the values."""
    *earlier, last = tiers
    sums = np.zeros((len(combinations), len(grid), len(tiers) + 3))
    still = np.ones((len(combinations), len(last.keen)), dtype=np.bool_)
    for number, tier in enumerate(earlier):
        keeps = still & (tier.keen >= combinations[:, number, None])
        still &= ~keeps
        sums[:, :, number] = keeps.sum(axis=1)[:, None]
        sums[:, :, len(tiers) :] += (keeps @ values[number].T)[:, None, :]
    # The last tier keeps, of those that are left, a number of the first by its confidence.
    order = np.argsort(-last.keen, kind="stable")
    ends = np.searchsorted(-last.keen[order], -grid, side="right")
    for column, value in zip(
        (len(tiers) - 1, -3, -2, -1), (np.ones(len(order)), *values[-1]), strict=True
    ):
        running = np.cumsum(still[:, order] * value[order], axis=1)
        sums[:, :, column] += np.pad(running, ((0, 0), (1, 0)))[:, ends]
    return sums
