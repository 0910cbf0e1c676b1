"""What two training runs are worth, in one table: `python -m benchmarks.models AIRLINE STARTER`.

The folders are runs of `configs/airline.toml` and `configs/starter.toml`. It needs the training
packages, and the data that those configurations name.
"""

import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from router.bundle import Bundle, load_bundle
from router.engine import Network
from schemas.bundle import Measure, Retention
from training.data.parts import read_labels, read_part
from training.judge.scores import logits_of, sorted_batches
from training.judge.significance import interval, retention

RESULTS: Final = Path(__file__).with_name("results")
DATA: Final = Path("../shared/data")
MESSAGES: Final = 1_000
SIZES: Final = (2, 3, 7, 16, 33, 64)
ENGINES: Final = 2
ROUNDS: Final = 6

Row = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """A finished run's bundle, and the judging part that it was measured on."""

    bundle: Bundle
    texts: list[str]
    truth: NDArray[np.int64]

    def right(self, tier: str) -> NDArray[np.bool_]:
        """Return on which judging messages a tier is right."""
        (model,) = (one for one in self.bundle.manifest.models.all() if one.tier == tier)
        tokens = self.bundle.tokenizer().encode(self.texts)
        logits = logits_of(self.bundle.engine(model, threads=1), tokens)
        return np.asarray(logits.argmax(axis=1) == self.truth)


def read_run(folder: Path) -> Run:
    """Return the run in ``folder``."""
    rows = read_part(folder / "prepare" / "judging.jsonl")
    labels = read_labels(folder / "prepare")
    truth = np.array([labels.index(row.label) for row in rows], dtype=np.int64)
    return Run(load_bundle(folder / "bundle"), [row.text for row in rows], truth)


def rows(airline: Run, starter: Run, data: Path) -> Iterator[Row]:
    """Yield what is measured and what came out."""
    for name, run in (("airline", airline), ("starter", starter)):
        yield from _of_a_run(name, run)
    pooled = [np.concatenate([run.right(t) for run in (airline, starter)]) for t in _PAIR]
    kept = retention(_PAIR[0], pooled[0], _PAIR[1], pooled[1])
    yield "student INT8 against teacher FP32, both judged parts together", _kept(kept)
    for name, run in (("airline", airline), ("starter", starter)):
        yield f"{name}: messages whose bits differ alone and in a batch", _differing(run, data)
    yield "airline: student against teacher, two engines of one thread each", _side_by_side(airline)
    yield "TF-IDF + logistic regression on goemotions test", _linear(data / "goemotions")
    yield from _abroad(starter, data)


_PAIR: Final = ("student", "teacher")


def _of_a_run(name: str, run: Run) -> Iterator[Row]:
    measured = run.bundle.manifest.measured
    for tier, measure in measured.networks.items():
        yield f"{name}: {tier}", _measure(measure)
    student, cloud = measured.networks["student"], measured.networks["teacher"]
    yield f"{name}: student smaller than the teacher as shipped", _less(student, cloud.size_mb)
    if measured.untrimmed_mb:
        said = _less(student, measured.untrimmed_mb)
        yield f"{name}: student smaller than the untrimmed teacher", said
    for tier, factor in (measured.faster or {}).items():
        yield f"{name}: {tier}, throughput against the teacher FP32", f"{factor:.2f} ×"
    for kept in (*measured.retentions, measured.system.retention):
        yield f"{name}: {kept.of} against {kept.against}", _kept(kept)
    system = measured.system
    shares = ", ".join(f"{tier} {share:.1%}" for tier, share in system.tier_shares.items())
    low, high = system.accuracy_interval.low, system.accuracy_interval.high
    right = f"{system.accuracy:.1%} right [{low:.1%}, {high:.1%}], macro-F1 {system.macro_f1:.3f}"
    said = f"{system.edge_share:.1%} at the edge ({shares}); {right}"
    yield f"{name}: system, {measured.messages:,} messages", said


def _measure(measure: Measure) -> str:
    return (
        f"{_right(measure)}; {measure.size_mb:.2f} MB; {measure.messages_per_second:,.0f}/s; "
        f"alone {measure.latency_mean_ms:.2f} ms, p95 {measure.latency_p95_ms:.2f} ms"
    )


def _right(measure: Measure) -> str:
    low, high = measure.accuracy_interval.low, measure.accuracy_interval.high
    chance = "" if measure.ece_by_chance is None else f", by chance {measure.ece_by_chance:.3f}"
    return (
        f"{measure.accuracy:.1%} [{low:.1%}, {high:.1%}], macro-F1 {measure.macro_f1:.3f}; "
        f"ECE {measure.ece_before:.3f} → {measure.ece_after:.3f}{chance}"
    )


def _less(measure: Measure, than: float) -> str:
    return f"−{1 - measure.size_mb / than:.1%} ({measure.size_mb:.2f} of {than:.2f} MB)"


def _kept(kept: Retention) -> str:
    return (
        f"{kept.share:.2%} [{kept.interval.low:.2%}, {kept.interval.high:.2%}]; alone right "
        f"{kept.only_of_right} and {kept.only_against_right}, p = {kept.p_value:.2f}"
    )


def _differing(run: Run, data: Path) -> str:
    """Compare every tier's logits of real messages alone with those in batches and padded."""
    texts = [row[0] for row in _tweets(data, ("train",))[:MESSAGES]]
    tokens = run.bundle.tokenizer().encode(texts)
    found = []
    for model in run.bundle.manifest.models.all():
        engine = run.bundle.engine(model, threads=1)
        alone = np.concatenate([engine.logits([message]) for message in tokens])
        differing = 0
        for size in SIZES:
            cuts = range(0, len(tokens), size)
            padded = [engine.logits(tokens[at : at + size], pad_to=48 + size) for at in cuts]
            differing += int((np.concatenate(padded) != alone).any(axis=1).sum())
        found.append(f"{model.tier} {differing}")
    return f"{', '.join(found)} of {len(tokens):,} in batches of {', '.join(map(str, SIZES))}"


def _side_by_side(run: Run) -> str:
    """Time both networks as the router runs them, in turns: two engines of one thread each."""
    tokens = run.bundle.tokenizer().encode(run.texts)
    batches = [[tokens[index] for index in indices] for indices in sorted_batches(tokens)]
    models = {model.tier: model for model in run.bundle.manifest.models.all()}
    engines = {
        tier: [run.bundle.engine(models[tier], threads=1) for _ in range(ENGINES)] for tier in _PAIR
    }
    rates: dict[str, list[float]] = {tier: [] for tier in _PAIR}
    for _ in range(ROUNDS):
        for tier in _PAIR:
            rates[tier].append(len(tokens) / _seconds(engines[tier], batches))
    # The first round warms up.
    student, teacher = (np.array(rates[tier][1:]) for tier in _PAIR)
    ratios = student / teacher
    return (
        f"{np.median(ratios):.2f} × [{ratios.min():.2f}, {ratios.max():.2f}]: "
        f"{np.median(student):,.0f} and {np.median(teacher):,.0f} messages/s"
    )


def _seconds(engines: Sequence[Network], batches: Sequence[Sequence[Sequence[int]]]) -> float:
    def work(number: int) -> None:
        for batch in batches[number :: len(engines)]:
            engines[number].logits(batch)

    started = time.perf_counter()
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(work, range(len(engines))))
    return time.perf_counter() - started


def _linear(folder: Path) -> str:
    """The plainest way, taught and judged on the same files."""
    train, test = (_columns(folder / f"{part}.csv.gz") for part in ("train", "test"))
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=4.0, max_iter=1_000)
    model.fit(vectors.fit_transform([text for text, _ in train]), [label for _, label in train])
    guesses = model.predict(vectors.transform([text for text, _ in test]))
    truth = [label for _, label in test]
    right = guesses == np.array(truth)
    found = interval(right)
    f1 = f1_score(truth, guesses, average="macro")
    return f"{right.mean():.1%} [{found.low:.1%}, {found.high:.1%}], macro-F1 {f1:.3f}"


def _abroad(starter: Run, data: Path) -> Iterator[Row]:
    """The starter on text of a kind it never learned from, by the command that users have."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "airline.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("text", "label"), *_tweets(data, ("train", "valid"))])
        command = [sys.executable, "-m", "edgeroute", "benchmark", str(starter.bundle.folder)]
        done = subprocess.run(
            [*command, str(file), "--json"], capture_output=True, text=True, check=True
        )
    said: dict[str, Any] = json.loads(done.stdout)
    measured = said.get("measured", said)
    for tier, measure in measured["networks"].items():
        yield f"starter on airline train + valid: {tier}", _right(Measure(**measure))
    system = measured["system"]
    right = f"{system['accuracy']:.1%} right, macro-F1 {system['macro_f1']:.3f}"
    yield "starter on airline: system", f"{right}, {system['edge_share']:.1%} at the edge"


def _tweets(data: Path, parts: Sequence[str]) -> list[Row]:
    return [row for part in parts for row in _columns(data / "airline" / f"{part}.csv.gz")]


def _columns(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [(row["text"], row["label"]) for row in csv.DictReader(lines)]


def main(
    airline: Annotated[Path, typer.Argument(help="A finished run of configs/airline.toml.")],
    starter: Annotated[Path, typer.Argument(help="A finished run of configs/starter.toml.")],
    data: Annotated[Path, typer.Option(help="Where the data is.")] = DATA,
) -> None:
    """Measure two runs and write the table to results/."""
    first, second = read_run(airline), read_run(starter)
    found = list(rows(first, second, data))
    hardware = second.bundle.manifest.measured.hardware
    lines = [
        "# What the models are worth\n",
        f"{', '.join(f'{name} {value}' for name, value in hardware.items())}.\n",
        "| what | measured |",
        "|---|---|",
        *(f"| {what} | {said} |" for what, said in found),
    ]
    path = RESULTS / f"models-{datetime.now(UTC):%Y-%m-%d-%H%M}.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
