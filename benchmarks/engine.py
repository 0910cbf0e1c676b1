"""The engine without Kafka: how fast the networks are in the best and in the reference's way.

Each function is a job of `benchmarks.jobs`: it runs in a process of its own and returns figures.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import texts
from router.batching import next_batch
from router.bundle import Bundle, load_bundle
from router.engine import Network

BATCH: Final = 16
WINDOW: Final = 1024
PADDED: Final = 256
EDGE_SHARE: Final = 0.95
_WARM_UP: Final = 10
Figures = dict[str, float]


def sorted_batches(tokens: Sequence[list[int]], size: int = BATCH) -> list[list[list[int]]]:
    """Return all messages in batches of neighbours in length: the best that batching can do."""
    ordered = sorted(tokens, key=len)
    return [list(ordered[i : i + size]) for i in range(0, len(ordered), size)]


def loop_batches(tokens: Sequence[list[int]], *, window: int = WINDOW) -> list[list[list[int]]]:
    """Return the batches that the product's own rule makes of a full window of waiting messages."""
    waiting, coming = list(tokens[:window]), list(tokens[window:])
    batches: list[list[list[int]]] = []
    while waiting:
        picked = next_batch([len(t) for t in waiting], max_tokens=1024, max_items=BATCH)
        batches.append([waiting[i] for i in picked])
        taken = set(picked)
        waiting = [t for i, t in enumerate(waiting) if i not in taken] + coming[: len(picked)]
        coming = coming[len(picked) :]
    return batches


def alone(
    bundle: str, messages: str, engines: int, threads: int, batching: str, tokenise: bool
) -> Figures:
    """Score all messages with ``engines`` side by side in this process, ``threads`` each."""
    loaded, lines = load_bundle(Path(bundle)), [t.text for t in texts.read(Path(messages))]
    tokenizer = loaded.tokenizer()
    sessions = [loaded.edge(threads=threads)[-1] for _ in range(engines)]
    tokens = tokenizer.encode(lines)
    for session in sessions:
        warm_up(session, tokens)
    arrange = loop_batches if batching == "loop" else sorted_batches

    def work() -> None:
        batches = arrange(tokenizer.encode(lines) if tokenise else tokens)
        # Every nth batch each, so that short and long ones are shared out evenly.
        parts = [(session, batches[i::engines]) for i, session in enumerate(sessions)]
        with ThreadPoolExecutor(engines) as pool:
            for done in [pool.submit(_score, *part) for part in parts]:
                done.result()

    return _timed(work, len(lines))


def processes(bundle: str, messages: str, count: int) -> Figures:
    """Score all messages with ``count`` processes of one engine with one thread each."""
    context = get_context("spawn")
    started, ready = context.Event(), context.Semaphore(0)
    spent = context.SimpleQueue()
    shares = [
        context.Process(
            target=_share, args=(bundle, messages, i, count, ready, started, spent), daemon=True
        )
        for i in range(count)
    ]
    for share in shares:
        share.start()
    for _ in shares:
        ready.acquire()
    begun = time.perf_counter()
    started.set()
    cpu = sum(spent.get() for _ in shares)
    seconds = time.perf_counter() - begun
    for share in shares:
        share.join()
    total = len(texts.read(Path(messages)))
    return {"per_second": total / seconds, "cpu_ms": cpu / total * 1000}


def _share(
    bundle: str,
    messages: str,
    index: int,
    count: int,
    ready: object,
    started: object,
    spent: object,
) -> None:
    loaded = load_bundle(Path(bundle))
    tokens = loaded.tokenizer().encode([t.text for t in texts.read(Path(messages))])
    session = loaded.edge(threads=1)[-1]
    warm_up(session, tokens)
    ready.release()  # type: ignore[attr-defined]
    started.wait()  # type: ignore[attr-defined]
    before = time.process_time()
    _score(session, sorted_batches(tokens)[index::count])
    spent.put(time.process_time() - before)  # type: ignore[attr-defined]


def reference(bundle: str, messages: str, count: int, threads: int) -> Figures:
    """FP32 on every message for its confidence, then INT8 on the 95 %, one by one, padded."""
    loaded = load_bundle(Path(bundle))
    tokens = loaded.tokenizer().encode([t.text for t in texts.read(Path(messages))])
    tokens = [t[:PADDED] for t in _spread(tokens, count)]
    full, small = loaded.cloud(threads=threads), loaded.edge(threads=threads)[-1]
    for session in (full, small):
        warm_up(session, tokens)

    def work() -> None:
        for number, message in enumerate(tokens):
            full.logits([message], pad_to=PADDED)
            if number % 100 < EDGE_SHARE * 100:
                small.logits([message], pad_to=PADDED)

    return _timed(work, len(tokens))


def one_by_one(bundle: str, messages: str, count: int, padded: bool) -> Figures:
    """Time each message alone, on one thread, for the edge's and the cloud's network."""
    loaded = load_bundle(Path(bundle))
    tokens = _spread(loaded.tokenizer().encode(_lines(messages)), count)
    found: Figures = {}
    for name, session in _networks(loaded).items():
        warm_up(session, tokens)
        times = [_milliseconds(session, t, PADDED if padded else None) for t in tokens]
        for quantile in (50, 95, 99):
            found[f"{name}_p{quantile}"] = float(np.percentile(times, quantile))
        found[f"{name}_mean"] = float(np.mean(times))
    return found


def stages(bundle: str, messages: str) -> Figures:
    """CPU of the tokenizer by itself: with its own thread pool, and text by text without."""
    tokenizer, lines = load_bundle(Path(bundle)).tokenizer(), _lines(messages)
    tokenizer.encode(lines[:100])
    batched = _timed(lambda: _each(tokenizer.encode, lines, 64), len(lines))
    single = _timed(lambda: _each(tokenizer.encode, lines, 1), len(lines))
    return {
        "batched_cpu_us": batched["cpu_ms"] * 1000,
        "batched_wall_us": 1e6 / batched["per_second"],
        "single_cpu_us": single["cpu_ms"] * 1000,
        "single_wall_us": 1e6 / single["per_second"],
    }


def _each(encode: Callable[[Sequence[str]], object], lines: list[str], size: int) -> None:
    for i in range(0, len(lines), size):
        encode(lines[i : i + size])


def _networks(loaded: Bundle) -> dict[str, Network]:
    return {"edge": loaded.edge(threads=1)[-1], "cloud": loaded.cloud(threads=1)}


def _milliseconds(session: Network, tokens: list[int], pad_to: int | None) -> float:
    begun = time.perf_counter()
    session.logits([tokens], pad_to=pad_to)
    return (time.perf_counter() - begun) * 1000


def _lines(messages: str) -> list[str]:
    return [t.text for t in texts.read(Path(messages))]


def _spread(tokens: list[list[int]], count: int) -> list[list[int]]:
    """Return ``count`` messages from all over the list."""
    step = max(len(tokens) // count, 1)
    return tokens[::step][:count]


def warm_up(session: Network, tokens: Sequence[list[int]]) -> None:
    for message in tokens[:_WARM_UP]:
        session.logits([message])


def _score(session: Network, batches: Sequence[list[list[int]]]) -> None:
    for batch in batches:
        session.logits(batch)


def _timed(work: Callable[[], None], messages: int) -> Figures:
    cpu, begun = time.process_time(), time.perf_counter()
    work()
    seconds, spent = time.perf_counter() - begun, time.process_time() - cpu
    return {"per_second": messages / seconds, "cpu_ms": spent / messages * 1000}
