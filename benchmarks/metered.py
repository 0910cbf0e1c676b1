"""An edge process with meters around its parts: CPU a message by stage.

The product has no timers for this: its parts are replaced by themselves with a meter around them,
and every coroutine is counted step by step. Only what a thread itself computed is counted, so other
work on the machine does not add to it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Generator, Sequence
from typing import Any, Final

from benchmarks import stream
from consumers import kafka
from consumers.loop import Loop
from consumers.roles.edge import EdgeHandler
from consumers.roles.scoring import Scorer
from edgeroute import roles, settings
from router.plan import Output
from router.tokenizer import Tokenizer

_SPENT: Final[Counter[str]] = Counter()
_nanoseconds = time.thread_time_ns


class _Progress:
    """Takes a reading where the measured part begins and where it ends; see `benchmarks.stream`."""

    def __init__(self, waiting: int) -> None:
        self.committed = 0
        self.readings: list[dict[str, float]] = []
        self._last = waiting - stream.LEFT
        self._until = float("inf")

    @property
    def is_over(self) -> bool:
        """Whether both readings are taken."""
        return len(self.readings) == 2

    def add(self, messages: int) -> None:
        """So many more messages are committed."""
        self.committed += messages
        now = time.monotonic()
        if not self.readings and self.committed >= stream.FROM:
            self._until = now + stream.SECONDS
            self._read()
        elif not self.is_over and (self.committed >= self._last or now > self._until):
            self._read()

    def _read(self) -> None:
        self.readings.append(
            {
                **_SPENT,
                "messages": self.committed,
                "loop thread": time.thread_time_ns(),
                "process": time.process_time_ns(),
                "wall": time.monotonic_ns(),
            }
        )

    def microseconds(self) -> dict[str, float]:
        """Return microseconds of CPU a message by stage."""
        first, last = self.readings
        messages = last["messages"] - first["messages"]
        each = {
            name: (value - first.get(name, 0)) / messages / 1000 for name, value in last.items()
        }
        return _by_stage(each, messages)


def _by_stage(each: dict[str, float], messages: float) -> dict[str, float]:
    tasks = {name: us for name, us in each.items() if name.startswith("task ")}
    in_threads = each["prepare"] + each["infer"]
    return {
        "fetch": tasks.get("task fetch", 0.0),
        # Tiers are asked in both; what is left is decoding, and looking at the text.
        "decode": in_threads - each["_ask"] - each["encode"],
        # The tokenizers library computes in threads of its own, which no other part does.
        "tokenise": each["encode"] + each["process"] - each["loop thread"] - in_threads,
        "batch": tasks.get("task batch", 0.0),
        "inference": each["score"],
        "decide": each["_ask"] - each["score"] - each["_routed"],
        "plan and encode": each["_routed"],
        "produce and commit": tasks.get("task commit", 0.0),
        "connections": tasks.get("task connections", 0.0),
        "event loop": each["loop thread"] - sum(tasks.values()),
        "all": each["process"],
        "messages/s": 1e6 / each["wall"],
        "messages": messages,
    }


def _meter(owner: type[Any], method: str) -> None:
    """Have a method add the CPU that its calls take in their thread to its name."""
    plain = getattr(owner, method)

    def metered(*given: Any) -> Any:
        begun = _nanoseconds()
        try:
            return plain(*given)
        finally:
            _SPENT[method] += _nanoseconds() - begun

    setattr(owner, method, metered)


class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine whose every step is metered under its stage."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work
        self._stage = f"task {_stage_of(work)}"
        self.__qualname__ = getattr(work, "__qualname__", "task")
        self.__name__ = self.__qualname__

    def send(self, value: Any) -> Any:
        begun = _nanoseconds()
        try:
            return self._work.send(value)
        finally:
            _SPENT[self._stage] += _nanoseconds() - begun

    def throw(self, *error: Any) -> Any:
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


def _stage_of(work: Coroutine[Any, Any, Any]) -> str:
    code = getattr(work, "cr_code", None)
    file, name = (code.co_filename, code.co_qualname) if code else ("", "")
    if "aiokafka/consumer" in file or name == f"{Loop.__name__}._fetch":
        return "fetch"
    if "aiokafka/producer" in file or name == f"{Loop.__name__}._drive":
        return "commit"
    if name.startswith(f"{Loop.__name__}."):
        return "batch"
    return "connections"


def _task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(_Stepped(work), loop=loop, **options)


def edge(waiting: int) -> dict[str, float]:
    """Run an edge with meters for as long as `benchmarks.stream.rate` would.

    A job of `benchmarks.jobs`; its settings come as variables, as any edge's do.
    """
    progress = _Progress(waiting)
    enough: list[asyncio.Event] = []
    commit = kafka.TransactionalSink.commit

    async def counted(
        sink: kafka.TransactionalSink, outputs: Sequence[Output], next_offset: int
    ) -> None:
        await commit(sink, outputs, next_offset)
        progress.add(sum(output.topic == "decisions" for output in outputs))
        if progress.is_over:
            enough[0].set()

    async def running() -> None:
        asyncio.get_running_loop().set_task_factory(_task)
        enough.append(asyncio.Event())
        await roles.run_edge(settings.load(), enough[0])

    setattr(kafka.TransactionalSink, "commit", counted)  # noqa: B010 - a method is not assigned to elsewhere
    for owner, method in (
        (Tokenizer, "encode"),
        (Scorer, "score"),
        (EdgeHandler, "prepare"),
        (EdgeHandler, "infer"),
        (EdgeHandler, "_ask"),
        (EdgeHandler, "_routed"),
    ):
        _meter(owner, method)
    asyncio.run(running())
    return progress.microseconds()
