"""The bundle's tiers, from text to answers: each by itself, and those of the edge together.

Each function is a job of `benchmarks.jobs`: it runs in a process of its own and returns figures.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks import texts
from benchmarks.engine import BATCH, Figures, warm_up
from router.bundle import Bundle, load_bundle
from router.complexity import features
from router.confidence import predictions
from router.engine import Network
from router.policy import Policy, bundle_policy, keeps
from schemas.bundle import Model

ARRIVING: Final = 128
"""Messages of one fetch: what an instant tier is asked about at once."""
SHORTEST_S: Final = 2.0
"""Rounds are added until this is reached: an instant tier is through in milliseconds."""


def alone(bundle: str, messages: str, tier: str, engines: int) -> Figures:
    """Answer all messages with one tier, tokenising included."""
    loaded = load_bundle(Path(bundle))
    (model,) = (model for model in loaded.manifest.models.all() if model.tier == tier)
    return _measured(loaded, [model], Path(messages), engines)


def together(bundle: str, messages: str, engines: int) -> Figures:
    """Ask the tiers of the edge in order, each what the one before passes on; the cloud is not."""
    loaded = load_bundle(Path(bundle))
    return _measured(loaded, loaded.manifest.models.edge, Path(messages), engines)


def policy_of(loaded: Bundle, models: Sequence[Model]) -> Policy:
    """Return the bundle's policy for these tiers."""
    chosen, thresholds = {m.tier: m.threshold for m in models}, loaded.manifest.thresholds
    return bundle_policy(
        tuple(chosen),
        salt="benchmark",
        calibrated={"thresholds": chosen, "complexity": thresholds.complexity},
    )


def _measured(loaded: Bundle, models: Sequence[Model], messages: Path, engines: int) -> Figures:
    lines, tokenizer = [turn.text for turn in texts.read(messages)], loaded.tokenizer()
    networks = [[loaded.engine(model, threads=1) for _ in range(engines)] for model in models]
    policy, tokens = policy_of(loaded, models), tokenizer.encode(lines)
    for network in (each for same in networks for each in same):
        warm_up(network, tokens)
    asked = [0] * len(models)

    def work() -> None:
        waiting = list(zip(lines, tokenizer.encode(lines), strict=True))
        for index, model in enumerate(models):
            asked[index] = len(waiting)
            answers = _answers(loaded, model, networks[index], [t for _, t in waiting])
            if index < len(models) - 1:
                kept = keeps(policy, index, [features(line) for line, _ in waiting], answers)
                waiting = [one for one, keep in zip(waiting, kept, strict=True) if not keep]

    found = _timed(work, len(lines))
    shares = {f"asked_{m.tier}": n / len(lines) for m, n in zip(models, asked, strict=True)}
    return {**found, **shares}


def _answers(
    loaded: Bundle, model: Model, networks: Sequence[Network], tokens: Sequence[list[int]]
) -> list[float]:
    """Return the confidence of each message; every engine takes its share of the batches."""
    order, size = list(range(len(tokens))), ARRIVING
    if not loaded.is_instant(model):
        order, size = sorted(order, key=lambda i: len(tokens[i])), BATCH
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    labels, confidences = loaded.manifest.labels, [0.0] * len(tokens)

    def score(network: Network, some: Sequence[Sequence[int]]) -> None:
        for batch in some:
            logits = network.logits([tokens[i] for i in batch])
            said = predictions(logits, model.temperature, labels)
            for i, (_, confidence) in zip(batch, said, strict=True):
                confidences[i] = confidence

    with ThreadPoolExecutor(len(networks)) as pool:
        shares = [batches[i :: len(networks)] for i in range(len(networks))]
        for _ in pool.map(score, networks, shares):
            pass
    return confidences


def _timed(work: Callable[[], None], messages: int) -> Figures:
    """Return the rate over as many rounds as are needed; one comes before them."""
    work()
    rounds, cpu, begun, seconds = 0, time.process_time(), time.perf_counter(), 0.0
    while rounds == 0 or seconds < SHORTEST_S:
        work()
        rounds, seconds = rounds + 1, time.perf_counter() - begun
    done = rounds * messages
    return {
        "per_second": done / seconds,
        "cpu_ms": (time.process_time() - cpu) / done * 1000,
    }
