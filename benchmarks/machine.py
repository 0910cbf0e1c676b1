"""What a figure was measured on, and how busy that machine was with other work."""

import platform
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

import psutil

from benchmarks.texts import ROOT
from edgeroute.settings import cores
from tests.services import jvm_kafka

_LIBRARIES: Final = ("aiokafka", "numpy", "onnxruntime", "pydantic", "tokenizers")


@dataclass(frozen=True)
class Spent:
    """CPU-seconds that others than we had computed on this machine until a moment."""

    at: float
    others: float

    @classmethod
    def now(cls, broker: int | None) -> Self:
        """Read it; our children must have ended, except the broker with this process id."""
        times = psutil.cpu_times()
        all_ = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        ours = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        if broker is not None:
            of_broker = psutil.Process(broker).cpu_times()
            ours += of_broker.user + of_broker.system
        return cls(time.monotonic(), all_ - ours)

    def cores_since(self, before: "Spent") -> float:
        """Return how many cores others kept busy between the two."""
        return max((self.others - before.others) / max(self.at - before.at, 1e-9), 0.0)


def description() -> dict[str, str]:
    """Return machine, versions, date and commit, each as a line of text."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": str(cores()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "Kafka": f"{jvm_kafka.VERSION}, one node, on the same machine, {_java()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in found.items()}
    flags = set(fields.get("flags", "").split())
    helpful = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "amx_int8") if flag in flags]
    return f"{fields.get('model name', platform.machine())} ({', '.join(helpful)})"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def ask(*words: str) -> str:
        done = subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = ask("status", "--porcelain", "--untracked-files=no")
    return (ask("rev-parse", "--short", "HEAD") or "unknown") + (" (with changes)" * bool(changed))


def _java() -> str:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[0] if done.stderr else "no Java"
