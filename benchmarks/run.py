"""Measures everything side by side in one run: `python -m benchmarks.run`.

Repetitions are interleaved, so that a busy minute of the machine falls on all ways alike.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine, report, slow, stream, texts
from benchmarks.children import BenchError, result_of
from benchmarks.latency import latency
from benchmarks.stream import Place, Way
from edgeroute.settings import cores
from router.bundle import load_manifest
from tests.services import jvm_kafka
from tests.services.jvm_kafka import JvmKafka

RESULTS: Final = Path(__file__).with_name("results")
EXACTLY: Final = "exactly once, one process"
AT_LEAST: Final = "at least once, one process"
WAYS: Final = (
    Way(EXACTLY),
    Way("exactly once, two processes of one engine", 2, {"limits__engines": 1}),
    Way(AT_LEAST, settings={"kafka__delivery": "at-least-once"}),
)
ENGINES: Final[dict[str, dict[str, Any]]] = {
    "one engine, one thread": {"engines": 1, "threads": 1, "batching": "sorted"},
    "one engine, two threads": {"engines": 1, "threads": 2, "batching": "sorted"},
    "two engines in two threads": {"engines": 2, "threads": 1, "batching": "sorted"},
    "two engines, batched as the loop batches": {"engines": 2, "threads": 1, "batching": "loop"},
    "two engines, tokenising included": {"engines": 2, "threads": 1, "batching": "sorted"},
}
PROCESSES: Final = "two processes of one engine"
REFERENCE: Final = "the reference's way"


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    repetitions: int = 3
    messages: int = 20_000
    engine_messages: int = 1_500
    reference_messages: int = 60
    paced_s: float = 20.0
    waiting: int = 100_000
    slow_s: float = 180.0


TINY: Final = Plan(1, 2_500, 200, 6, 10.0, 3_000, 10.0)


@dataclass
class Found:
    """Everything that was measured, as it goes into the JSON file and the table."""

    about: dict[str, Any]
    plan: dict[str, Any]
    stream: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    engine: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tiers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stages: list[dict[str, float]] = field(default_factory=list)
    latency: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    one_by_one: dict[str, Any] = field(default_factory=dict)
    tokenizer: dict[str, float] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    others: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class Bench:
    """One run: a broker, a bundle, the messages, and what has been found so far."""

    def __init__(self, place: Place, plan: Plan, found: Found, step: Callable[[str], None]) -> None:
        self._place = place
        self._plan = plan
        self._found = found
        self._step = step
        self._few = place.folder / "messages.jsonl"
        self._tiers = tiers_of(place.bundle)

    async def run(self, turns: list[Any]) -> None:
        """Measure all, one after the other; a part that fails is named and left out."""
        plan = self._plan
        waiting = list(texts.repeated(turns, plan.messages))
        spaced = waiting[:: max(len(waiting) // plan.engine_messages, 1)]
        texts.save(spaced[: plan.engine_messages], self._few)
        await stream.fill(self._place, "input", waiting)
        self._step("warming up the broker")
        await stream.rate(self._place, "input", min(plan.messages, 2_500), WAYS[0])
        for turn in range(plan.repetitions):
            await self._repetition(turn)
        await self._try("alone", self._one_by_one())
        await self._try("memory", self._memory(turns))

    async def _repetition(self, turn: int) -> None:
        ways = WAYS[turn % len(WAYS) :] + WAYS[: turn % len(WAYS)]
        for way in ways:
            await self._try(way.name, self._stream(way))
        for name, given in ENGINES.items():
            tokenise = "tokenising" in name
            job = self._job("alone", **given, tokenise=tokenise)
            await self._try(name, self._engine(name, job))
        await self._try(PROCESSES, self._engine(PROCESSES, self._job("processes", count=2)))
        given = {"count": self._plan.reference_messages, "threads": cores()}
        await self._try(REFERENCE, self._engine(REFERENCE, self._job("reference", **given)))
        for name, (job_name, arguments) in self._tiers.items():
            job = self._job(job_name, engines=2, **arguments)
            await self._try(name, self._into(self._found.tiers, name, job))
        await self._try("CPU by stage", self._stages())
        for way in (WAYS[0], WAYS[2]):
            await self._try(f"latency, {way.name}", self._latency(way))

    async def _try(self, name: str, work: Awaitable[None]) -> None:
        self._step(name)
        before = machine.Spent.now(self._place.broker.pid)
        try:
            await work
        except BenchError as error:
            self._found.failed.append(f"{name}: {error}")
        others = machine.Spent.now(self._place.broker.pid).cores_since(before)
        self._found.others.setdefault(name, []).append(others)

    def _job(self, name: str, **arguments: Any) -> Callable[[], dict[str, Any]]:
        given = {"bundle": str(self._place.bundle), "messages": str(self._few), **arguments}
        return lambda: result_of(name, self._place.folder, **given)

    async def _stream(self, way: Way) -> None:
        seen = await stream.rate(self._place, "input", self._plan.messages, way)
        self._found.stream.setdefault(way.name, []).append(asdict(seen))

    async def _engine(self, name: str, job: Callable[[], dict[str, Any]]) -> None:
        await self._into(self._found.engine, name, job)

    async def _into(
        self, found: dict[str, list[dict[str, Any]]], name: str, job: Callable[[], dict[str, Any]]
    ) -> None:
        found.setdefault(name, []).append(await asyncio.to_thread(job))

    async def _stages(self) -> None:
        _, variables = await stream.variables(self._place, "input", WAYS[0])
        spent = await asyncio.to_thread(
            lambda: result_of(
                "metered",
                self._place.folder,
                variables=variables,
                waiting=self._plan.messages,
            )
        )
        self._found.stages.append(spent)

    async def _latency(self, way: Way) -> None:
        rates = self._found.stream[EXACTLY]
        half = median(rate["per_second"] for rate in rates) / 2
        seen = await latency(self._place, self._few, half, self._plan.paced_s, way)
        self._found.latency.setdefault(way.name, []).append(asdict(seen))

    async def _one_by_one(self) -> None:
        for padded in (False, True):
            count = 25 if padded else 200
            job = self._job("one_by_one", count=count, padded=padded)
            self._found.one_by_one["padded" if padded else "unpadded"] = await asyncio.to_thread(
                job
            )
        self._found.tokenizer = await asyncio.to_thread(self._job("tokenizer"))

    async def _memory(self, turns: list[Any]) -> None:
        await stream.fill(self._place, "waiting", list(texts.repeated(turns, self._plan.waiting)))
        seen = await slow.memory(
            self._place, "waiting", self._plan.waiting, seconds=self._plan.slow_s
        )
        self._found.memory = asdict(seen)


def tiers_of(bundle: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what is measured of the bundle's tiers: each alone, the cloud's first, then the edge.

    An edge of one tier is that tier alone, and has no second row.
    """
    models = load_manifest(bundle).models
    rows: dict[str, tuple[str, dict[str, Any]]] = {
        f"{model.tier} alone": ("tier", {"tier": model.tier}) for model in reversed(models.all())
    }
    if len(models.edge) > 1:
        rows[" + ".join(model.tier for model in models.edge)] = ("together", {})
    return rows


def main(
    transcripts: Annotated[Path | None, typer.Option(help="Measure on this file's text.")] = None,
    bundle: Annotated[Path, typer.Option(help="The bundle to measure.")] = (
        texts.ROOT / "models" / "starter"
    ),
    tiny: Annotated[
        bool, typer.Option(help="Only see whether it works; its figures mean nothing.")
    ] = False,
    repetitions: Annotated[int, typer.Option(help="Of every measurement, interleaved.")] = 3,
) -> None:
    """Measure stream, engine and reference side by side; write a table to benchmarks/results."""
    missing = jvm_kafka.why_unavailable()
    if missing or not (bundle / "manifest.json").exists():
        raise SystemExit(f"Cannot measure: {missing or f'there is no bundle {bundle}'}.")
    plan = TINY if tiny else Plan(repetitions)
    turns, text = texts.customer_turns(transcripts)
    about = {**machine.description(), "text": f"{text}: {len(turns)} customer turns", "seed": "42"}
    about["bundle"] = json.loads((bundle / "manifest.json").read_bytes())["bundle_version"]
    found = Found(about=about, plan=asdict(plan))
    console = Console()
    with tempfile.TemporaryDirectory(prefix="edgeroute-bench-") as folder, JvmKafka() as broker:
        # A copy: every part must be measured on the same networks, whoever trains meanwhile.
        copied = Path(shutil.copytree(bundle, Path(folder) / "bundle"))
        place = Place(broker, copied, Path(folder))
        with _progress(plan, len(tiers_of(copied)), console) as step:
            asyncio.run(Bench(place, plan, found, step).run(turns))
    table = report.markdown(asdict(found))
    if not tiny:
        _write(found, table)
    console.print(table, markup=False, soft_wrap=True)
    if found.failed:
        raise SystemExit(1)


def _write(found: Found, table: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    name = "bench-" + found.about["date"].replace(" UTC", "").replace(":", "").replace(" ", "-")
    (RESULTS / f"{name}.json").write_text(json.dumps(asdict(found), indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text(table)


@contextmanager
def _progress(plan: Plan, tiers: int, console: Console) -> Iterator[Callable[[str], None]]:
    each = len(WAYS) + len(ENGINES) + tiers + 5
    columns = (
        TextColumn("{task.description:45}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=plan.repetitions * each + 3)

        def step(name: str) -> None:
            progress.update(task, description=name, advance=1)

        yield step


if __name__ == "__main__":
    typer.run(main)
