"""The watch beside the loop: it goes on through trouble, and ends without leaving anything."""

import asyncio
from collections.abc import Callable

import pytest

from consumers.errors import LaneLost
from consumers.roles.cloud_watch import CloudWatch, watching
from router.availability import AwayRules, Observation

RULES = AwayRules(absent_s=1.0, oldest_s=60.0, settle_s=1.0)
NOBODY = Observation(workers=0, oldest_s=None)
WELL = Observation(workers=1, oldest_s=None)
NOW = asyncio.Event()
NOW.set()


class Seen:
    """Shows what it is told to; None is a broker that cannot be asked."""

    def __init__(self, shown: Observation | None) -> None:
        self.shown = shown
        self.looks = self.closed = 0

    async def look(self) -> Observation:
        self.looks += 1
        if self.shown is None:
            raise LaneLost("nobody answers")
        return self.shown

    async def close(self) -> None:
        self.closed += 1


class Time:
    """A clock that moves by a second whenever it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def watch(seen: Seen) -> CloudWatch:
    return CloudWatch(seen, RULES, Time(), every_s=0.0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


async def test_it_sees_the_cloud_go_and_come_back() -> None:
    seen = Seen(WELL)
    looking = watch(seen)
    async with watching(looking, NOW):
        await until(lambda: seen.looks > 3)
        assert looking.available()
        seen.shown = NOBODY
        await until(lambda: not looking.available())
        seen.shown = WELL
        await until(looking.available)


async def test_while_nothing_can_be_seen_what_was_known_holds() -> None:
    seen = Seen(NOBODY)
    looking = watch(seen)
    async with watching(looking, NOW):
        await until(lambda: not looking.available())
        seen.shown = None
        await until(lambda: seen.closed > 5)
        assert not looking.available()


async def test_it_does_not_look_before_it_is_to() -> None:
    seen, after = Seen(WELL), asyncio.Event()
    async with watching(watch(seen), after):
        for _ in range(10):
            await asyncio.sleep(0)
        assert not seen.looks
        after.set()
        await until(lambda: seen.looks > 0)


async def test_it_lets_go_at_the_end() -> None:
    seen = Seen(WELL)
    async with watching(watch(seen), NOW):
        await until(lambda: seen.looks > 0)
    assert seen.closed == 1


class Broken(Seen):
    """Fails in a way that nobody thought of."""

    async def look(self) -> Observation:
        raise KeyError("secret")


async def test_a_watch_that_fails_says_so_at_once_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looking = watch(Broken(WELL))
    async with watching(looking, NOW):
        await until(lambda: bool(caplog.messages))
        assert looking.available()
    assert "failed (KeyError)" in caplog.text
    assert "secret" not in caplog.text


async def test_a_look_that_has_begun_comes_to_its_end_before_the_watch_closes() -> None:
    begun, ended = asyncio.Event(), list[str]()

    class Long(Seen):
        async def look(self) -> Observation:
            begun.set()
            for _ in range(20):
                await asyncio.sleep(0)
            ended.append("looked")
            return WELL

        async def close(self) -> None:
            ended.append("closed")

    async with watching(watch(Long(WELL)), NOW):
        await begun.wait()
    assert ended == ["looked", "closed"]
