"""How fast networks are, compared fairly, and how much memory they take."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.complexity import TextFeatures, features
from router.confidence import probabilities
from router.engine import Network
from router.policy import Policy, keeps
from router.tokenizer import Tokenizer
from training import networks
from training.judge.scores import Tokens, sorted_batches

ROUNDS: Final = 3
WARM_UP: Final = 10

Lap = Callable[[], Sequence[float]]
"""Does all its work once and returns the milliseconds of each part of it."""


@dataclass(frozen=True)
class Stage:
    """A tier of the edge, loaded, with the temperature its logits are divided by."""

    network: Network
    temperature: float


def race(laps: Mapping[str, Lap], advance: Callable[[], None]) -> dict[str, NDArray[np.float64]]:
    """Run each lap in turn, several rounds, so that a slow minute of the machine hits all alike.

    Returns milliseconds [rounds, parts] of each. ``advance`` hears of every lap that is done.
    """
    times: dict[str, list[Sequence[float]]] = {name: [] for name in laps}
    for _ in range(ROUNDS):
        for name, lap in laps.items():
            times[name].append(lap())
            advance()
    return {name: np.array(rounds) for name, rounds in times.items()}


def alone(network: Network, tokens: Tokens, warm_up: int = WARM_UP) -> Lap:
    """Return a lap over the messages one by one, each timed, after ``warm_up`` untimed runs."""

    def lap() -> Sequence[float]:
        for message in tokens[:warm_up]:
            network.logits([message])
        return [_milliseconds(lambda: network.logits([message])) for message in tokens]  # noqa: B023

    return lap


def batched(network: Network, tokens: Tokens, warm_up: int = WARM_UP) -> Lap:
    """Return a lap over the messages in batches of 16 of similar length, timed as a whole."""
    batches = [[tokens[index] for index in indices] for indices in sorted_batches(tokens)]

    def lap() -> Sequence[float]:
        for batch in batches[:warm_up]:
            network.logits(batch)
        return [_milliseconds(lambda: [network.logits(batch) for batch in batches])]

    return lap


def from_text(tokenizer: Tokenizer, network: Network, texts: Sequence[str]) -> Lap:
    """Return a lap from the messages' texts to one network's logits, timed as a whole."""

    def work() -> None:
        tokens = tokenizer.encode(texts)
        for indices in sorted_batches(tokens):
            network.logits([tokens[index] for index in indices])

    return lambda: [_milliseconds(work)]


def through_tiers(
    tokenizer: Tokenizer, stages: Sequence[Stage], policy: Policy, texts: Sequence[str]
) -> Lap:
    """Return a lap from texts to the edge's answers: each tier is asked what the ones before pass.

    ``stages`` are the policy's tiers. What a tier keeps is decided as the router decides it, and
    that is timed too.
    """

    def work() -> None:
        tokens = tokenizer.encode(texts)
        looks = [features(text) for text in texts]
        left = list(range(len(texts)))
        for number, stage in enumerate(stages):
            left = _left(stage, number, policy, looks, tokens, left)

    return lambda: [_milliseconds(work)]


def memory_mb(path: Path, tokens: Tokens) -> float:
    """Return by how much loading the network and one batch enlarge a fresh process.

    What the libraries take without a network is not counted. 0 where the system does not tell.
    """
    batch = [list(message) for message in tokens[:16]]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(_growth, path, batch).result()


def _left(
    stage: Stage,
    number: int,
    policy: Policy,
    looks: Sequence[TextFeatures],
    tokens: Tokens,
    asked: Sequence[int],
) -> list[int]:
    """Return which of the messages ``asked`` the stage does not keep."""
    left: list[int] = []
    for batch in sorted_batches([tokens[index] for index in asked]):
        indices = [asked[index] for index in batch]
        logits = stage.network.logits([tokens[index] for index in indices])
        confidences = probabilities(logits, stage.temperature).max(axis=1).tolist()
        kept = keeps(policy, number, [looks[index] for index in indices], confidences)
        left += [index for index, keep in zip(indices, kept, strict=True) if not keep]
    return left


def _growth(path: Path, batch: Tokens) -> float:
    before = _resident()
    network = networks.load(path, threads=1)
    network.logits(batch)
    return max(_resident() - before, 0) / 1e6


def _resident() -> int:
    """Return the bytes this process holds in memory; 0 where there is no such file."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
