"""What a role serves: everything that answers and decides, as one value made from a bundle."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.bundle import Bundle
from router.engine import Network
from router.policy import Policy
from router.tokenizer import Tokenizer
from schemas.bundle import Model


@dataclass(frozen=True)
class ServedTier:
    """One tier's networks, and how to read what they say.

    ``instant`` tells that a message costs it microseconds and that it pads nothing, so that it may
    be asked as messages arrive, in whatever number.
    """

    name: str
    instant: bool
    labels: tuple[str, ...]
    temperature: float
    networks: tuple[Network, ...]
    """One of one thread for each caller at the same time. Threads may share an instant one."""


@dataclass(frozen=True)
class Served:
    """A bundle at work. ``tiers`` are those that the role asks, in order.

    Work in flight belongs to the one that it was tokenised with, so that another can take its place
    between two messages.
    """

    version: str
    tokenizer: Tokenizer
    tiers: tuple[ServedTier, ...]
    policy: Policy


def edge(bundle: Bundle, policy: Policy, callers: int) -> Served:
    """Return what an edge serves to ``callers`` at once: the tiers of the policy.

    Raises `router.bundle.BundleError`, and ValueError where the bundle lacks one of them.
    """
    models = {model.tier: model for model in bundle.manifest.models.edge}
    if lacking := [tier.name for tier in policy.tiers if tier.name not in models]:
        raise ValueError(f"the bundle has no tier {lacking[0]!r} at the edge")
    return _served(bundle, [models[tier.name] for tier in policy.tiers], policy, callers)


def cloud(bundle: Bundle, policy: Policy, callers: int) -> Served:
    """Return what a worker serves, likewise: the network in the cloud."""
    return _served(bundle, [bundle.manifest.models.cloud], policy, callers)


def _served(bundle: Bundle, models: Sequence[Model], policy: Policy, callers: int) -> Served:
    return Served(
        version=bundle.manifest.bundle_version,
        tokenizer=bundle.tokenizer(),
        tiers=tuple(_tier(bundle, model, callers) for model in models),
        policy=policy,
    )


def _tier(bundle: Bundle, model: Model, callers: int) -> ServedTier:
    instant = bundle.is_instant(model)
    loaded = [bundle.engine(model, threads=1) for _ in range(1 if instant else callers)]
    return ServedTier(
        name=model.tier,
        instant=instant,
        labels=bundle.manifest.labels,
        temperature=model.temperature,
        networks=tuple(loaded * callers if instant else loaded),
    )
