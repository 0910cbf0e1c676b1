"""`python -m tests.chaos --faults 200 --seed 1`: see docs/chaos.md."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.faults import ChaosError
from tests.chaos.report import show
from tests.chaos.run import Options, run
from tests.services import jvm_kafka


def main() -> int:
    """Run it and return the exit code."""
    parser = argparse.ArgumentParser(prog="chaos", description="Kill, stop and count.")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100.0, help="inputs a second")
    parser.add_argument("--wrong", choices=("one-producer", "stale-batch", "past-unfinished"))
    given = parser.parse_args()
    reason = jvm_kafka.why_unavailable()
    if reason:
        print(f"chaos: there is no Kafka to kill: {reason}.", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="edgeroute-chaos-"))
    console = Console()
    with _progress(console, given.faults) as progress:
        options = Options(
            given.faults, given.seed, folder, given.rate, given.wrong, console.print, progress
        )
        try:
            outcome = run(options)
        except ChaosError as error:
            console.print(
                f"FAILED: {error} Logs: {folder}", style="red", markup=False, soft_wrap=True
            )
            return 1
        except KeyboardInterrupt:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    show(outcome, options, console)
    if outcome.ok:
        shutil.rmtree(folder)
    return 0 if outcome.ok else 1


@contextmanager
def _progress(console: Console, faults: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; plain lines are enough elsewhere."""
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("faults"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("faults", total=faults)
        yield lambda done: bar.update(task, completed=done)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
