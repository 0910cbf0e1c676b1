"""What is measured in a process of its own: `python -m benchmarks.jobs NAME ANSWER ARGUMENTS`."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import engine, latency, metered, slow, tiers

JOBS: Final[dict[str, Callable[..., Any]]] = {
    "alone": engine.alone,
    "one_by_one": engine.one_by_one,
    "processes": engine.processes,
    "reference": engine.reference,
    "tokenizer": engine.stages,
    "metered": metered.edge,
    "slow": slow.edge,
    "tier": tiers.alone,
    "together": tiers.together,
    "pace": lambda **given: asyncio.run(latency.pace(**given)),
    "read": lambda **given: asyncio.run(latency.read(**given)),
}


def main() -> None:
    """Run one job and write what it found as JSON."""
    name, answer, arguments = sys.argv[1:]
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    found = JOBS[name](**json.loads(arguments))
    Path(answer).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
