"""Writing the lines of a file: what is committed when, and what is left out."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.replay.pace import Pace
from consumers.replay.transcripts import Rejected
from consumers.replay.write import TOGETHER, SideFile, Tally, Timer, write
from schemas.transcript import Transcript

BAD = Rejected(0, "no rule", "raw")


class Log:
    """Where records go: what is committed, and the clock they are committed by."""

    def __init__(self, ends_after: int | None = None) -> None:
        self.now = 0.0
        self.kept: list[str] = []
        self.position = 0
        self.commits: list[tuple[float, int]] = []
        self._open: list[str] = []
        self._left = ends_after

    async def add(self, key: bytes | None, value: bytes) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise InterruptedError
        self._open.append(json.loads(value)["text"])

    async def commit(self, position: int) -> None:
        self.kept += self._open
        self._open, self.position = [], position
        self.commits.append((self.now, position))

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def items(kinds: Sequence[bool]) -> list[Transcript | Rejected]:
    """A transcript or a malformed line for each."""
    return [Transcript(role="customer", text=str(n)) if k else BAD for n, k in enumerate(kinds)]


def written(
    kinds: Sequence[bool],
    log: Log,
    before: int = 0,
    rate: float | None = None,
    reject: Callable[[Rejected], None] = lambda item: None,
) -> Tally:
    pace = Pace(lambda: log.now, rate=rate)
    timer = Timer(lambda: log.now, log.sleep)
    return asyncio.run(write(items(kinds), log, before, pace, timer, reject))


@given(st.lists(st.booleans(), max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_wherever_it_is_cut_off_no_line_is_missing_or_there_twice(
    kinds: list[bool], cuts: list[int]
) -> None:
    kept: list[str] = []
    position = 0
    for cut in [*cuts, None]:
        log = Log(cut)
        log.position = position
        with suppress(InterruptedError):
            written(kinds, log, position, rate=7)
        kept, position = kept + log.kept, log.position
    assert kept == [str(n) for n, kind in enumerate(kinds) if kind]
    assert position == len(kinds)


def test_what_is_done_is_written_by_nobody_again() -> None:
    log = Log()
    tally = written([True, False, True], log, before=3)
    assert (log.commits, tally.sent, tally.malformed) == ([], 0, 1)


def test_malformed_lines_that_an_earlier_call_met_are_told_again() -> None:
    told: list[Rejected] = []
    written([False, True, False], Log(), before=2, reject=told.append)
    assert len(told) == 2


def test_at_full_speed_many_records_are_committed_together() -> None:
    log = Log()
    written([True] * (TOGETHER + 1), log)
    assert [position for _, position in log.commits] == [TOGETHER, TOGETHER + 1]


@pytest.mark.parametrize("rate", [1, 10, 50])
def test_a_paced_record_waits_a_quarter_of_a_second_at_most(rate: int) -> None:
    log = Log()
    written([True] * 200, log, rate=rate)
    due = [n / rate for n in range(200)]
    for (moment, position), (_, before) in zip(log.commits, [(0.0, 0), *log.commits], strict=False):
        assert moment - due[before] <= 0.25 + 1e-6
        assert position > before


def test_a_side_file_keeps_bytes_that_are_no_text(tmp_path: Path) -> None:
    side = SideFile(tmp_path / "side.jsonl", "a.jsonl")
    raw = b"\xff{".decode("utf-8", "surrogateescape")
    side.add(Rejected(3, "the line is not JSON", raw))
    side.close()
    entry = json.loads(side.path.read_text())
    assert entry == {"file": "a.jsonl", "line": 3, "rule": "the line is not JSON", "raw": raw}


def test_a_side_file_is_made_at_the_first_malformed_line_only(tmp_path: Path) -> None:
    side = SideFile(tmp_path / "side.jsonl", "a.jsonl")
    side.close()
    assert not side.path.exists()


def test_a_side_file_is_made_anew_unless_it_follows_another(tmp_path: Path) -> None:
    for follows, lines in ((False, 1), (False, 1), (True, 2)):
        side = SideFile(tmp_path / "side.jsonl", "a.jsonl", follows=follows)
        side.add(BAD)
        side.close()
        assert len(side.path.read_text().splitlines()) == lines
