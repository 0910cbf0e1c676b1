"""The processes that keep the machine busy."""

import time

import psutil
import pytest

from tests.chaos.load import busy


def test_they_are_busy_at_the_lowest_priority_and_end_with_the_context() -> None:
    with busy(2) as processes:
        found = [psutil.Process(process.pid) for process in processes]
        deadline = time.monotonic() + 30
        while any(one.nice() != 19 or one.cpu_times().user == 0 for one in found):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not any(one.is_running() for one in found)


def test_they_end_with_the_context_that_fails() -> None:
    with pytest.raises(KeyboardInterrupt), busy(1) as processes:
        raise KeyboardInterrupt
    assert processes[0].returncode is not None


def test_none_are_started_where_none_are_wanted() -> None:
    with busy(0) as processes:
        assert processes == []
