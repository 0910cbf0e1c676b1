"""What a role's log lets through of its libraries."""

import logging

import pytest

from edgeroute.service import _Seldom


class Ticks:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


def record(name: str, error: BaseException | None = None) -> logging.LogRecord:
    information = (type(error), error, None) if error else None
    return logging.LogRecord(name, logging.ERROR, "f", 7, "%s broke", ("it",), information)


def test_a_librarys_line_passes_once_in_ten_seconds(ticks: Ticks) -> None:
    seldom = _Seldom(ticks)
    passed = []
    for ticks.now in (0.0, 5.0, 10.0):
        passed.append(bool(seldom.filter(record("aiokafka.consumer"))))
    assert passed == [True, False, True]


def test_a_librarys_traceback_becomes_the_name_of_its_error(ticks: Ticks) -> None:
    line = record("aiokafka.producer.sender", ValueError("secret"))
    assert _Seldom(ticks).filter(line)
    assert logging.Formatter().format(line) == "it broke (ValueError)"


def test_our_own_lines_pass_as_they_are(ticks: Ticks) -> None:
    seldom, line = _Seldom(ticks), record("consumers.loop", ValueError("ours"))
    assert seldom.filter(line)
    assert seldom.filter(line)
    assert line.exc_info is not None
