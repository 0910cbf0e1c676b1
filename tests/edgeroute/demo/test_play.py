"""The demo, started as a user starts it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from edgeroute.settings import child_environment
from tests.services.stream import BUNDLE

DEADLINE_S = 90.0
TURNS = "".join(
    f'{{"conversation_id": "c{n % 9}", "turn": {n}, "role": "customer", "text": "turn {n}"}}\n'
    for n in range(60)
)


class Demo:
    """A running demo, and every process that it has been seen to start."""

    def __init__(self, process: "subprocess.Popen[str]", home: Path) -> None:
        self.process = process
        self.home = home
        self.seen: set[psutil.Process] = set()
        self._commands: dict[psutil.Process, list[str]] = {}

    def until(self, condition: Callable[[], bool]) -> None:
        """Watch its processes until the condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            if self.process.poll() is None:
                self.seen |= set(psutil.Process(self.process.pid).children(recursive=True))
            if condition():
                return
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def logged(self, text: str) -> bool:
        """Whether a role has logged this."""
        return any(text in log.read_text() for log in self.home.glob("edgeroute-demo-*/*.log"))

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send the signal; return how it ended and what it said."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out, err

    def left(self) -> list[Path]:
        """Return what it left in the folder for temporary files."""
        return list(self.home.iterdir())

    def workers(self) -> list[psutil.Process]:
        """Return the cloud workers that it has been seen to start."""
        for process in self.seen:
            with suppress(psutil.NoSuchProcess):
                # Just after the fork it is still named as its parent, and a dead one is not named.
                command = process.cmdline()
                self._commands[process] = command or self._commands.get(process, [])
        return [p for p, command in self._commands.items() if command[-2:] == ["run", "cloud"]]

    def alive_workers(self) -> list[psutil.Process]:
        return [p for p in self.workers() if p in self.alive()]

    def alive(self) -> list[psutil.Process]:
        return [p for p in self.seen if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def demo(tmp_path: Path, *words: str, **given: str) -> Iterator[Demo]:
    home = tmp_path / "tmp"
    home.mkdir()
    root = str(Path(__file__).parents[3])
    variables = {"PYTHONPATH": root, "TMPDIR": str(home), "EDGEROUTE_BUNDLE": str(BUNDLE)}
    variables |= given
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeroute", "demo", *words],
        cwd=tmp_path,
        env=child_environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Demo(process, home)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()


@pytest.mark.embedded
def test_it_routes_a_file_reports_it_plainly_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text(TURNS + "malformed\n")
    with demo(tmp_path, "--transcripts", str(file)) as running:
        running.until(lambda: len(running.seen) >= 5)
        code, out, err = running.end()
    assert (code, err) == (0, "")
    assert re.search(r"^scored +60\b", out, re.MULTILINE)
    assert "1 malformed line left out: 61" in out
    assert "\x1b" not in out
    assert "at least once" in out.splitlines()[0]
    assert (running.alive(), running.left()) == ([], [])


@pytest.mark.embedded
@pytest.mark.parametrize("moment", ["importing", "servers", "roles", "routing"])
def test_ctrl_c_ends_it_at_any_moment_and_leaves_nothing(tmp_path: Path, moment: str) -> None:
    with demo(tmp_path) as running:
        reached: dict[str, Callable[[], bool]] = {
            "importing": lambda: bool(psutil.Process(running.process.pid).cpu_times().user > 0.3),
            "servers": lambda: len(running.seen) >= 1,
            "roles": lambda: len(running.seen) >= 4,
            "routing": lambda: running.logged("assigned"),
        }
        running.until(reached[moment])
        code, _, err = running.end(signal.SIGINT)
    assert (code, err) == (130, "")
    assert (running.alive(), running.left()) == ([], [])


@pytest.mark.embedded
def test_it_kills_the_cloud_worker_brings_it_back_and_loses_nothing(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        running.until(lambda: len(running.workers()) == 2)
        code, out, err = running.end()
    assert (code, err) == (0, "")
    told = [out.index(said) for said in ("Killed the cloud", "again after", "is back and answers")]
    assert told == sorted(told)
    assert re.search(r"^waiting, not priced yet +0\b", out, re.MULTILINE)
    assert re.search(r"^dead letters +5\b", out, re.MULTILINE)
    assert re.search(r"^edge smaller by ", out, re.MULTILINE)
    assert (running.alive(), running.left()) == ([], [])


@pytest.mark.embedded
def test_ctrl_c_while_the_cloud_worker_is_gone_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        running.until(lambda: bool(running.workers()) and not running.alive_workers())
        code, _, err = running.end(signal.SIGINT)
    assert (code, err) == (130, "")
    assert (running.alive(), running.left()) == ([], [])


@pytest.mark.embedded
def test_a_policy_that_keeps_everything_at_the_edge_ends_too(tmp_path: Path) -> None:
    keep = {
        "EDGEROUTE_POLICY__CONFIDENCE": "0",
        "EDGEROUTE_POLICY__COMPLEXITY": "1",
        "EDGEROUTE_POLICY__AUDIT_RATE": "0",
    }
    with demo(tmp_path, **keep) as running:
        code, out, err = running.end()
    assert (code, err) == (0, "")
    assert re.search(r"^sent to the cloud +0\b", out, re.MULTILINE)


@pytest.mark.embedded
def test_killed_it_takes_its_children_with_it(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("not run: only Linux ends children with their parent")
    with demo(tmp_path) as running:
        running.until(lambda: len(running.seen) >= 5)
        running.end(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while running.alive():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_a_bundle_it_says_where_to_run_it(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-m", "edgeroute", "demo"],
        cwd=tmp_path,
        env=child_environment({"PYTHONPATH": root}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "run this in the repository" in done.stderr
