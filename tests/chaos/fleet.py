"""The instances of the roles: one process each, with a log each, started again when they end."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consumers.embedded import end_with_parent
from edgeroute.settings import child_environment
from tests.chaos.plan import HASTY_TRANSACTION_S, ROLES, Role
from tests.chaos.warm import Started, Warm

ROOT: Final = Path(__file__).resolve().parents[2]
_BROKER_AWAY: Final = "No Kafka broker answers at"
"""How a role says that it gave up for want of a broker, which a supervisor answers by a restart."""
_THE_BROKER_SAYS: Final = ": the broker says"
"""How a role begins to say that the broker named another position than the one it recorded."""


@dataclass(slots=True, eq=False)
class Instance:
    """One process of a role. ``slot`` outlives it: the next life has the same number."""

    role: Role
    slot: int
    process: "subprocess.Popen[bytes] | Started"
    log: Path
    stopped: bool = False
    leaving: bool = False
    killed: bool = False
    passing: bool = False
    """It joined for a while, and is not started again when it has left."""

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def at_work(self) -> bool:
        """Whether it runs, as far as we know, and nothing has been done to it."""
        return not (self.stopped or self.leaving or self.killed) and self.process.poll() is None


@dataclass(slots=True)
class Fleet:
    """All instances, living and dead. Start instances from the thread that ends them last."""

    folder: Path
    environment: dict[str, str]
    programs: dict[Role, Sequence[str]]
    """What to run instead of the program, by role."""
    warm: Warm | None = None
    """What starts the program itself; without it each process loads everything anew."""
    instances: list[Instance] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """What an instance did that it should not have, one sentence each."""
    gave_up: int = 0
    """How often one ended because the broker was away."""
    _lives: int = 0

    def start(self, role: Role, slot: int, *, passing: bool = False) -> Instance:
        """Start an instance and return at once."""
        self._lives += 1
        log = self.folder / f"{role}-{slot}-{self._lives:04d}.log"
        environment = self.environment | _own(slot)
        instance = Instance(role, slot, self._process(role, environment, log), log, passing=passing)
        self.instances.append(instance)
        return instance

    def _process(
        self, role: Role, environment: dict[str, str], log: Path
    ) -> "subprocess.Popen[bytes] | Started":
        if self.warm is not None and role not in self.programs:
            return self.warm.start(("run", role), environment, self.folder, log)
        program = self.programs.get(role, ("-m", "edgeroute"))
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, *program, "run", role],
                cwd=self.folder,
                env=child_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
            )

    def at_work(self, role: Role) -> list[Instance]:
        """Return the instances of a role that run undisturbed, in order of slot."""
        found = [i for i in self.instances if i.role == role and i.at_work]
        return sorted(found, key=lambda i: i.slot)

    def kill(self, instance: Instance) -> None:
        """End it with SIGKILL."""
        instance.killed = True
        instance.process.kill()
        instance.process.wait()

    def stop(self, instance: Instance) -> None:
        """Make it stand still."""
        instance.stopped = True
        instance.process.send_signal(signal.SIGSTOP)

    def resume(self, instance: Instance) -> None:
        """Let it go on."""
        instance.process.send_signal(signal.SIGCONT)
        instance.stopped = False

    def leave(self, instance: Instance) -> None:
        """Ask it to end."""
        instance.leaving = True
        instance.process.terminate()

    def has_left(self, instance: Instance) -> bool:
        """Whether an instance that was asked to end has ended; the wrong way is noted."""
        code = instance.process.poll()
        if code is None:
            return False
        # One that was still loading its modules has no handler yet, and nothing to finish either.
        early = code == -signal.SIGTERM and instance.log.stat().st_size == 0
        if _BROKER_AWAY in _last_line(instance.log):
            self.gave_up += 1
        elif code != 0 and not early:
            self.strange.append(f"{instance.name} ended with code {code} after SIGTERM")
        return True

    def look(self) -> Iterator[Instance]:
        """Yield the instances that ended by themselves since the last look, and note why."""
        for instance in self.instances:
            if instance.killed or instance.leaving or instance.process.poll() is None:
                continue
            instance.killed = True
            if _BROKER_AWAY in _last_line(instance.log):
                self.gave_up += 1
            else:
                code = instance.process.returncode
                self.strange.append(f"{instance.name} ended by itself with code {code}")
            yield instance

    def end_all(self, within_s: float) -> None:
        """Resume everything, ask it to end, and kill what has not ended in time."""
        living = [i for i in self.instances if i.process.poll() is None]
        for instance in living:
            if instance.stopped:
                self.resume(instance)
            self.leave(instance)
        deadline = time.monotonic() + within_s
        for instance in living:
            try:
                instance.process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                self.strange.append(f"{instance.name} did not end within {within_s:.0f} s")
                self.kill(instance)
            else:
                self.has_left(instance)

    def kill_all(self) -> None:
        """End every process there is, whatever its state."""
        for instance in self.instances:
            if instance.process.poll() is None:
                self.kill(instance)

    def check_logs(self, marker: str) -> None:
        """Note every log with a traceback, or with a customer's text in it."""
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace")
            _, found, after = text.partition("Traceback (most recent call last)")
            if found:
                self.strange.append(f"{log.stem} has a traceback in its log: {after[:3_000]}")
            if marker in text:
                self.strange.append(f"{log.stem} has text of a message in its log")

    def misremembered(self) -> Counter[str]:
        """Count in all logs what the broker said of a position instead: "none" or "another"."""
        return Counter(
            "none" if f"{_THE_BROKER_SAYS} none" in line else "another"
            for log in self.folder.glob("*.log")
            for line in log.read_text(errors="replace").splitlines()
            if _THE_BROKER_SAYS in line
        )


@contextmanager
def fleet(
    folder: Path, environment: dict[str, str], programs: dict[Role, Sequence[str]]
) -> Iterator[Fleet]:
    """A fleet of which nothing is left behind."""
    warm = Warm(environment | _own(0))
    ours = Fleet(folder, environment, programs, warm=warm)
    try:
        yield ours
    finally:
        ours.kill_all()
        warm.close()


def fully_staffed(ours: Fleet, sizes: dict[Role, int], say: Callable[[str], None]) -> None:
    """Start every role's instances."""
    for role in ROLES:
        for slot in range(sizes[role]):
            say(f"started {ours.start(role, slot).name}")


def _own(slot: int) -> dict[str, str]:
    hasty = {"EDGEROUTE_KAFKA__TRANSACTION_TIMEOUT_S": str(HASTY_TRANSACTION_S)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, **(hasty if slot == 0 else {})}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
