"""`python -m tests.chaos --faults 200 --seed 1`: see docs/chaos.md."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos.report import show
from tests.chaos.run import Options, run
from tests.services import jvm_kafka


def main() -> int:
    """Run it and return the exit code."""
    parser = argparse.ArgumentParser(prog="chaos", description="Kill, stop and count.")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=60.0, help="inputs a second")
    parser.add_argument("--wrong", choices=("one-producer", "stale-batch", "past-unfinished"))
    given = parser.parse_args()
    reason = jvm_kafka.why_unavailable()
    if reason:
        print(f"chaos: there is no Kafka to kill: {reason}.", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="edgeroute-chaos-"))
    console = Console()
    options = Options(given.faults, given.seed, folder, given.rate, given.wrong, console.print)
    outcome = run(options)
    show(outcome, options, console)
    if outcome.ok:
        shutil.rmtree(folder)
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
