"""What every network, and the system of them, does on held-out messages: how right, fast, large."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import f1_score

from router.confidence import probabilities
from router.policy import Answer, Policy, decide, recommended_policy
from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER, Measure, Measured, System
from training import networks
from training.base_encoder import offline_base
from training.data.parts import read_labels
from training.hardware import hardware, versions
from training.judge.calibrate import Calibration, held
from training.judge.reliability import reliability
from training.judge.scores import Held, Integers, Scores, logits_of, scores
from training.judge.significance import interval, retention
from training.judge.timing import (
    ROUNDS,
    Stage,
    alone,
    batched,
    from_text,
    memory_mb,
    race,
    through_tiers,
)
from training.run_folder import Metrics, Work, write_whole

FILE: Final = "benchmark.json"
SYSTEM: Final = "system"
SPLIT: Final = "judging"

Times = NDArray[np.float64]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Entrant:
    """A network's file, and the temperature its logits are divided by."""

    path: Path
    temperature: float


@dataclass(frozen=True)
class Field:
    """All that is compared. ``policy`` has the edge's tiers; they and ``cloud`` name entrants.

    Entrants beside these are other forms of the same networks.
    """

    entrants: Mapping[str, Entrant]
    policy: Policy
    cloud: str
    labels: Sequence[str]
    tokenizer: Tokenizer

    @property
    def edge(self) -> tuple[str, ...]:
        """Return the names of the edge's tiers, in the order in which they are asked."""
        return tuple(tier.name for tier in self.policy.tiers)


@dataclass(frozen=True)
class Plan:
    """How much is timed, by sessions of how many threads where not alone, and the bootstrap's seed.

    The examples timed are spread evenly over all; accuracies are always of all.
    """

    examples: int
    warm_up: int
    threads: int
    seed: int


def run(work: Work) -> Metrics:
    """Measure on the judging part everything that the run has made."""
    found = Calibration.read(work)
    tiers = {**networks.edge(work), networks.TEACHER: networks.cloud(work)}
    # Another form of a tier has the tier's temperature: it is the same network.
    entrants = {name: Entrant(path, found.tiers[name].temperature) for name, path in tiers.items()}
    for name, path in networks.others(work).items():
        entrants[name] = Entrant(path, found.tiers[name.partition("-")[0]].temperature)
    prepared, wanted = work.of("prepare"), work.config.benchmark
    field = Field(
        entrants=entrants,
        policy=recommended_policy(
            {tier: found.tiers[tier].threshold for tier in networks.edge(work)},
            found.complexity,
            found.audit_rate,
        ),
        cloud=networks.TEACHER,
        labels=read_labels(prepared),
        tokenizer=Tokenizer.load(prepared / TOKENIZER, work.config.data.max_tokens),
    )
    plan = Plan(wanted.examples, wanted.warm_up, wanted.threads, work.config.seed)
    with Progress(disable=work.quiet) as progress:
        task = progress.add_task("measuring", total=laps(field))
        measured = benchmark(
            field, held(work, SPLIT), plan, SPLIT, lambda: progress.advance(task)
        ).model_copy(update={"untrimmed_mb": _untrimmed_mb(work)})
    write_whole(work.folder / FILE, measured.model_dump_json(indent=1) + "\n")
    system = measured.system
    said = (
        f"{system.edge_share:.1%} at the edge, {system.accuracy:.1%} right, which is "
        f"{system.retention.share:.1%} of the cloud's alone"
    )
    return {"said": said, **measured.model_dump(mode="json", exclude={"hardware", "versions"})}


def read(work: Work) -> Measured:
    """Return what the step found in this run."""
    return Measured.model_validate_json((work.of("benchmark") / FILE).read_bytes())


def laps(field: Field) -> int:
    """Return how often `benchmark` reports that it got on."""
    return 2 * len(field.entrants) + ROUNDS * (2 * len(field.entrants) + 2)


def benchmark(
    field: Field, messages: Held, plan: Plan, split: str, advance: Callable[[], None]
) -> Measured:
    """Return what all entrants and the system do on the messages."""
    logits, memory = {}, {}
    for name, entrant in field.entrants.items():
        logits[name] = logits_of(networks.load(entrant.path, threads=1), messages.tokens)
        advance()
        memory[name] = memory_mb(entrant.path, messages.tokens)
        advance()
    limit = field.policy.complexity_threshold
    said = {
        name: scores(logits[name], entrant.temperature, messages, limit)
        for name, entrant in field.entrants.items()
    }
    speeds = _speeds(field, messages, plan, advance)
    cloud = said[field.cloud]
    return Measured(
        split=split,
        messages=len(messages.texts),
        networks={
            name: _measure(
                entrant, messages, logits[name], memory[name], speeds.of(name), plan.seed
            )
            for name, entrant in field.entrants.items()
        },
        retentions=tuple(
            retention(name, one.right, field.cloud, cloud.right, plan.seed)
            for name, one in said.items()
            if name != field.cloud
        ),
        system=_system(field, messages, said, speeds, plan.seed),
        faster=_faster(field, speeds),
        hardware=hardware() | {"threads": str(plan.threads), "timed": str(speeds.messages)},
        versions=versions(),
    )


@dataclass(frozen=True)
class _Speeds:
    """Milliseconds [rounds, parts]: of each network alone, of batches, and of the way from text."""

    alone: Mapping[str, Times]
    batched: Mapping[str, Times]
    from_text: Mapping[str, Times]
    messages: int

    def of(self, name: str) -> tuple[Times, float]:
        """Return the latencies of a network and its messages a second."""
        return self.alone[name], self.messages * 1000 / float(np.median(self.batched[name]))


def _speeds(field: Field, messages: Held, plan: Plan, advance: Callable[[], None]) -> _Speeds:
    count = min(plan.examples, len(messages.texts))
    chosen = np.linspace(0, len(messages.texts) - 1, count).astype(int).tolist()
    tokens = [messages.tokens[index] for index in chosen]
    texts = [messages.texts[index] for index in chosen]
    single, several = (
        {name: networks.load(one.path, threads=threads) for name, one in field.entrants.items()}
        for threads in (1, plan.threads)
    )
    stages = [Stage(several[tier], field.entrants[tier].temperature) for tier in field.edge]
    ways = {
        SYSTEM: through_tiers(field.tokenizer, stages, field.policy, texts),
        field.cloud: from_text(field.tokenizer, several[field.cloud], texts),
    }
    return _Speeds(
        race({name: alone(one, tokens, plan.warm_up) for name, one in single.items()}, advance),
        race({name: batched(one, tokens, plan.warm_up) for name, one in several.items()}, advance),
        race(ways, advance),
        count,
    )


def _measure(
    entrant: Entrant,
    messages: Held,
    logits: Logits,
    memory: float,
    speed: tuple[Times, float],
    seed: int,
) -> Measure:
    truth = messages.truth.tolist()
    guesses = logits.argmax(axis=1)
    latencies, per_second = speed
    p50, p95 = np.median(np.quantile(latencies, (0.5, 0.95), axis=1), axis=1).tolist()
    before, after = (
        reliability(probabilities(logits, divisor), truth, seed)
        for divisor in (1.0, entrant.temperature)
    )
    return Measure(
        accuracy=float((guesses == messages.truth).mean()),
        accuracy_interval=interval(guesses == messages.truth),
        macro_f1=_macro_f1(messages.truth, guesses),
        latency_mean_ms=float(np.median(latencies.mean(axis=1))),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        messages_per_second=per_second,
        size_mb=entrant.path.stat().st_size / 1e6,
        memory_mb=memory,
        ece_before=before.error,
        ece_after=after.error,
        ece_by_chance=after.by_chance,
    )


def _system(
    field: Field, messages: Held, said: Mapping[str, Scores], speeds: _Speeds, seed: int
) -> System:
    """Route every message as the router does, the audit included."""
    takers = np.array(
        [_taker(field, said, number, text) for number, text in enumerate(messages.texts)]
    )
    guesses = np.empty(len(takers), dtype=np.int64)
    for number, name in enumerate((*field.edge, field.cloud)):
        guesses[takers == number] = said[name].guesses[takers == number]
    right = guesses == messages.truth
    kept = takers < len(field.edge)
    shares = np.bincount(takers, minlength=len(field.edge) + 1) / len(takers)
    return System(
        edge_share=float(kept.mean()),
        tier_shares=dict(zip((*field.edge, field.cloud), shares.tolist(), strict=True)),
        accuracy=float(right.mean()),
        accuracy_interval=interval(right),
        macro_f1=_macro_f1(messages.truth, guesses),
        kept_accuracy=float(right[kept].mean()) if kept.any() else 0.0,
        retention=retention(SYSTEM, right, field.cloud, said[field.cloud].right, seed),
        messages_per_second=speeds.messages * 1000 / float(np.median(speeds.from_text[SYSTEM])),
    )


def _taker(field: Field, said: Mapping[str, Scores], number: int, text: str) -> int:
    """Return the number of the tier whose answer stands for a message, the cloud's last."""
    decided = decide(
        field.policy,
        identity=f"row:{number}",
        text=text,
        answers=[
            Answer(
                tier,
                field.labels[int(said[tier].guesses[number])],
                float(said[tier].confidences[number]),
            )
            for tier in field.edge
        ],
        available=True,
        bundle_version="benchmark",
    )
    return len(field.edge) if decided.route == "cloud" else field.edge.index(decided.verdict.tier)


def _faster(field: Field, speeds: _Speeds) -> dict[str, float]:
    """Return the median over the rounds of how much faster than the cloud each one was."""
    networks_ = {
        name: float(np.median(speeds.batched[field.cloud] / times))
        for name, times in speeds.batched.items()
        if name != field.cloud
    }
    ways = speeds.from_text
    return {**networks_, SYSTEM: float(np.median(ways[field.cloud] / ways[SYSTEM]))}


def _macro_f1(truth: Integers, guesses: Integers) -> float:
    return float(f1_score(truth, guesses, average="macro"))


def _untrimmed_mb(work: Work) -> float | None:
    """Return the size of the teacher's file had its vocabulary not been cut, where that is known.

    The table of embeddings is in full precision, a row for each piece.
    """
    kept = work.of("prepare") / "kept.json"
    if not kept.exists():
        return None
    base = _base(work.config.base or offline_base())
    known = (base[key] for key in ("embedding_size", "hidden_size", "dim") if key in base)
    width = next(known, None)
    if width is None or "vocab_size" not in base:
        return None
    dropped = base["vocab_size"] - len(json.loads(kept.read_text(encoding="utf-8")))
    return float(networks.cloud(work).stat().st_size + 4 * width * dropped) / 1e6


def _base(name: str) -> dict[str, Any]:
    file = Path(name) / "config.json"
    if file.exists():
        return dict(json.loads(file.read_text(encoding="utf-8")))
    from transformers import AutoConfig  # noqa: PLC0415 - slow, and for hub names alone

    try:
        return dict(AutoConfig.from_pretrained(name).to_dict())
    except (OSError, ValueError):  # the hub is out of reach by now
        return {}
