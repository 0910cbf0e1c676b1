"""The table of a run, in Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

EXACTLY: Final = "exactly once, one process"
_STAGES: Final = {
    "fetch": "fetch",
    "decode": "decode",
    "tokenise": "tokenise",
    "batch": "micro-batch and hand back",
    "inference": "inference",
    "decide": "decide",
    "plan and encode": "plan and encode",
    "produce and commit": "produce and commit (Kafka client)",
    "connections": "connections, group, heartbeats (Kafka client)",
    "event loop": "event loop, sockets",
    "all": "**the whole process**",
}
_CLAIM_INFERENCE_MS: Final = 20
_ALERT_PROCESSING_MS: Final = 150


def markdown(found: Mapping[str, Any]) -> str:
    """Return the report of everything that was found."""
    parts = [
        "# Measured",
        _about(found),
        "## Throughput\n",
        _throughput(found),
        "## The tiers, from text to answers\n",
        tiers(found),
        "## CPU a message by stage\n",
        _stages(found["stages"]),
        "## Latency\n",
        _latency(found),
        "## Memory with a slow model\n",
        _memory(found["memory"]),
    ]
    if found["failed"]:
        parts += ["## Not measured\n", "".join(f"- {line}\n" for line in found["failed"])]
    return "\n".join(parts)


def _about(found: Mapping[str, Any]) -> str:
    lines = [f"- {name}: {value}" for name, value in found["about"].items()]
    others = [cores for each in found["others"].values() for cores in each]
    lines.append(f"- cores kept busy by other work, over all parts: {_of(others, 2)}")
    plan = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found["plan"].items())
    return "\n".join([*lines, f"- plan: {plan}", ""])


def _throughput(found: Mapping[str, Any]) -> str:
    base = _middle(found["stream"].get(EXACTLY, []), "per_second")
    rows = [
        [
            name,
            _spread(runs, "per_second", 0),
            _ratio(_middle(runs, "per_second"), base),
            _spread(runs, "edge_cpu_ms", 2),
            _spread(runs, "broker_cpu_ms", 2),
            _spread(runs, "edge_mb", 0),
            _of(found["others"].get(name, []), 2),
        ]
        for name, runs in found["stream"].items()
    ]
    rows += [
        [
            f"no Kafka: {name}",
            _spread(runs, "per_second", 0 if _middle(runs, "per_second") > 50 else 1),
            _ratio(_middle(runs, "per_second"), base),
            _spread(runs, "cpu_ms", 2),
            "",
            "",
            _of(found["others"].get(name, []), 2),
        ]
        for name, runs in found["engine"].items()
    ]
    heads = ["", "messages/s", "ratio", "CPU ms", "broker CPU ms", "memory MB", "others' cores"]
    return _table(heads, rows)


def tiers(found: Mapping[str, Any]) -> str:
    """Two engines of one thread, tokenising included; the cloud's model is the first row."""
    rows, base = [], 0.0
    for name, runs in found["tiers"].items():
        rate = _middle(runs, "per_second")
        base = base or rate
        asked = [
            f"{key.removeprefix('asked_')} {_middle(runs, key):.1%}"
            for key in runs[0]
            if key.startswith("asked_")
        ]
        others = _of(found["others"].get(name, []), 2)
        rows.append(
            [
                name,
                _spread(runs, "per_second", 0),
                _ratio(rate, base),
                _spread(runs, "cpu_ms", 3),
                ", ".join(asked),
                others,
            ]
        )
    heads = ["", "messages/s", "ratio to the cloud's", "CPU ms", "asked", "others' cores"]
    return _table(heads, rows)


def _stages(runs: Sequence[Mapping[str, float]]) -> str:
    whole = _middle(runs, "all")
    rows = [
        [title, _spread(runs, name, 0), f"{_middle(runs, name) / whole:.1%}" if whole else ""]
        for name, title in _STAGES.items()
    ]
    return _table(["", "CPU µs a message", "share"], rows)


def _latency(found: Mapping[str, Any]) -> str:
    rows = []
    for name, runs in found["latency"].items():
        offered = f"{_middle(runs, 'offered_per_second'):.0f}"
        for kind, title, claim in (
            ("inference", "inference (of the micro-batch)", f"{_CLAIM_INFERENCE_MS}"),
            ("processing", "processing (fetched to produced)", f"alert {_ALERT_PROCESSING_MS}"),
            ("end_to_end", "end to end (appended to readable as committed)", ""),
        ):
            values = [[run[kind][i] for run in runs] for i in range(3)]
            rows.append([f"{title}, {name}", offered, *map(_of, values), claim])
    for name, times in found["one_by_one"].items():
        for network in ("edge", "cloud"):
            values = [[times[f"{network}_p{q}"]] for q in (50, 95, 99)]
            title = f"inference alone, {network}, {'padded to 256' if name == 'padded' else name}"
            rows.append([title, "one by one", *map(_of, values), f"{_CLAIM_INFERENCE_MS}"])
    return _table(["ms", "offered/s", "p50", "p95", "p99", "reference"], rows)


def _memory(memory: Mapping[str, Any]) -> str:
    if not memory:
        return ""
    stayed = memory["joined"] == 1 and memory["same_member"]
    rows = [
        ["messages waiting", f"{memory['waiting']}"],
        ["of them committed in the time", f"{memory['committed']}"],
        ["seconds", f"{memory['seconds']:.0f}"],
        ["seconds a micro-batch sleeps", f"{memory['slept_s']:.2f}"],
        ["resident after settling, MB", f"{memory['settled_mb']:.1f}"],
        ["largest, MB", f"{memory['largest_mb']:.1f}"],
        ["last fifth less first fifth, MB", f"{memory['grown_mb']:+.2f}"],
        ["slope, MB a minute", f"{memory['slope_mb_a_minute']:+.2f}"],
        ["stayed in its group (session timeout 3 s)", "yes" if stayed else "**no**"],
    ]
    return _table(["", ""], rows)


def _middle(runs: Sequence[Mapping[str, float]], name: str) -> float:
    return median(run[name] for run in runs) if runs else 0.0


def _spread(runs: Sequence[Mapping[str, float]], name: str, digits: int) -> str:
    return _of([run[name] for run in runs], digits)


def _of(values: Sequence[float], digits: int = 1) -> str:
    """Return the median, and the range where there are several."""
    if not values:
        return ""
    middle = f"{median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
