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
from tests.chaos.plan import BROKER_SHARE
from tests.chaos.report import show
from tests.chaos.run import Options, run
from tests.services import jvm_kafka
from tests.services.jvm_kafka import JvmKafkaError


def main() -> int:
    """Run it and return the exit code."""
    given = _arguments()
    reason = _why_no_kafka(given.kafka)
    if reason:
        print(f"chaos: there is no Kafka to kill: {reason}.", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="edgeroute-chaos-"))
    console = Console()
    with _progress(console, given.faults) as progress:
        options = Options(
            faults=given.faults,
            seed=given.seed,
            folder=folder,
            rate=given.rate,
            wrong=given.wrong,
            broker_share=given.broker_share,
            load=given.load,
            kafka=given.kafka,
            say=console.print,
            progress=progress,
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Kill, stop and count.")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100.0, help="inputs a second")
    parser.add_argument(
        "--broker-share",
        type=_share,
        default=BROKER_SHARE,
        help="how many of the faults, 0 to 1, are kills of the broker",
    )
    parser.add_argument(
        "--load", type=_number, default=0, help="busy processes beside it, at the lowest priority"
    )
    parser.add_argument("--kafka", default=jvm_kafka.VERSION, help="version of Apache Kafka")
    parser.add_argument("--wrong", choices=("one-producer", "stale-batch", "past-unfinished"))
    return parser.parse_args()


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def _why_no_kafka(version: str) -> str | None:
    reason = jvm_kafka.why_unavailable(version)
    if reason is None:
        try:
            jvm_kafka.fetch_jars(version)
        except JvmKafkaError as error:
            reason = str(error)
    return reason


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
