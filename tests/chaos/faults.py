"""Carries a plan of faults out on a fleet and its broker, and starts again what ended."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.fleet import Fleet, Instance
from tests.chaos.moments import Happened
from tests.chaos.plan import ROLES, Fault, Role
from tests.services.jvm_kafka import JvmKafka

_LOOK_S: Final = 0.25
_LEAVE_S: Final = 30.0
_AGAIN_S: Final = 1.0
_SETTLE_S: Final = 60.0


class ChaosError(Exception):
    """The run itself could not go on; one sentence."""


@dataclass(slots=True)
class Director:
    """Does to the fleet what the plan says; faults overlap, but every role keeps one at work."""

    fleet: Fleet
    broker: JvmKafka
    threads: ThreadPoolExecutor
    say: Callable[[str], None]
    progress: Callable[[int], None]
    clock: Callable[[], float]
    """Seconds since the start of the run."""
    done: Counter[str] = field(default_factory=Counter)
    happened: list[Happened] = field(default_factory=list)
    """Every fault so far, in order."""
    _returning: "asyncio.Task[None] | None" = None
    """The broker on its way back from the last kill."""
    _after: set["asyncio.Task[None]"] = field(default_factory=set)
    _broken: list[BaseException] = field(default_factory=list)

    async def conduct(self, faults: list[Fault]) -> None:
        """Carry out all faults, and return when everything has been resumed and started again."""
        watching = self._spawn(self._watch())
        try:
            if not await self._until(self._all_at_work, _SETTLE_S):
                raise ChaosError(f"Not every role was at work within {_SETTLE_S:.0f} s.")
            for fault in faults:
                await asyncio.sleep(fault.after_s)
                await self._carry_out(fault)
                self.progress(self.done.total())
                self._raise_broken()
            while followers := self._after - {watching}:
                await asyncio.wait(followers)
            self._raise_broken()
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    def supervise(self) -> None:
        """Start again what ended by itself, once the broker is there, as who backs off would."""
        for instance in self.fleet.look():
            self.say(f"{instance.name} ended by itself; it is started again")
            if not instance.passing:
                self._later(_AGAIN_S, instance, for_the_broker=True)

    async def _watch(self) -> None:
        while True:
            self.supervise()
            await asyncio.sleep(_LOOK_S)

    async def _carry_out(self, fault: Fault) -> None:
        if fault.kind == "broker":
            await self._kill_broker(fault)
            return
        if fault.kind == "join":
            slot = max(i.slot for i in self.fleet.instances if i.role == fault.role) + 1
            joined = self.fleet.start(fault.role, slot, passing=True)
            self._note(fault, joined)
            self._spawn(self._part(joined, fault.lasts_s))
            return
        victim = await self._victim(fault)
        self._note(fault, victim)
        match fault.kind:
            case "kill":
                self.fleet.kill(victim)
                if not victim.passing:
                    self._later(fault.lasts_s, victim)
            case "leave":
                self.fleet.leave(victim)
                self._spawn(self._left(victim, fault.lasts_s))
            case _:
                self.fleet.stop(victim)
                self._spawn(self._resume(victim, fault.lasts_s))

    async def _victim(self, fault: Fault) -> Instance:
        """Return the one to hit: of the planned role, or of another while only one is at work."""
        while True:
            roles: list[Role] = [fault.role, *(role for role in ROLES if role != fault.role)]
            for role in roles:
                found = self.fleet.at_work(role)
                if len(found) > 1:
                    return found[int(fault.draw * len(found))]
            await asyncio.sleep(_LOOK_S)

    async def _kill_broker(self, fault: Fault) -> None:
        if self._returning and not self._returning.done():
            await asyncio.wait([self._returning])
            self._raise_broken()
            # It shall have something in hand when it dies, and not always the same.
            await asyncio.sleep(fault.after_s)
        self._note(fault, None)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.threads, self.broker.kill)

        async def back() -> None:
            await asyncio.sleep(fault.lasts_s)
            await loop.run_in_executor(self.threads, self.broker.start)
            self.say(f"the broker is back at {self.clock():.1f} s")

        self._returning = self._spawn(back())

    async def _resume(self, instance: Instance, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.fleet.resume(instance)

    async def _part(self, instance: Instance, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if await self._until(lambda: not instance.stopped, _LEAVE_S) and instance.at_work:
            self.fleet.leave(instance)
            await self._left(instance, None)

    async def _left(self, instance: Instance, again_s: float | None) -> None:
        if not await self._until(lambda: instance.process.poll() is not None, _LEAVE_S):
            name = instance.name
            self.fleet.strange.append(f"{name} did not end within {_LEAVE_S:.0f} s of SIGTERM")
            self.fleet.kill(instance)
        else:
            self.fleet.has_left(instance)
        if again_s is not None and not instance.passing:
            self._later(again_s, instance)

    def _later(self, after_s: float, instance: Instance, *, for_the_broker: bool = False) -> None:
        async def again() -> None:
            await asyncio.sleep(after_s)
            if for_the_broker and self._returning:
                await asyncio.wait([self._returning])
            self.fleet.start(instance.role, instance.slot)

        self._spawn(again())

    def _all_at_work(self) -> bool:
        # A role that has joined its group says so; before that a fault would hit nobody.
        return all("assigned" in i.log.read_text(errors="replace") for i in self.fleet.instances)

    async def _until(self, true: Callable[[], bool], within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            return False
        return True

    def _note(self, fault: Fault, victim: Instance | None) -> None:
        self.done[fault.kind] += 1
        what = f"{fault.kind} {victim.name}" if victim else fault.kind
        happened = Happened(self.clock(), what)
        self.happened.append(happened)
        self.say(
            f"fault {len(self.happened)} at {happened.at:.1f} s: {what}, for {fault.lasts_s:.1f} s"
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._after.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._after.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._broken.append(error)

    def _raise_broken(self) -> None:
        if self._broken:
            raise self._broken[0]
