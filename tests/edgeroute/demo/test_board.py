"""The demo's live picture, drawn to text."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from consumers.totals.aggregate import LIVE, Totals, aggregate
from edgeroute.demo.board import Latest, Moment, Process, picture
from edgeroute.report.figures import figures
from router.economics import Prices
from schemas.decision import Answered, Routed
from tests.consumers.decisions import answered, routed

DECISIONS: tuple[Routed | Answered, ...] = (
    *[routed()] * 17,
    *[routed(route="cloud", reason="low_confidence")] * 3,
    *[answered()] * 2,
    routed(route="dead_letter", reason="invalid_record", verdict=None, price=0.0),
)
MOMENT = Moment(
    seconds=7.5,
    fed=40,
    to_feed=100,
    rates=(0.0, 40.0, 160.0),
    waiting=1,
    figures=figures(aggregate(DECISIONS)[LIVE], Prices()),
    processes=(
        Process("edge", "working", "answers the easy turns"),
        Process("cloud", "working", "answers the hard turns"),
        Process("monitor", "starting", "counts"),
    ),
    latest=tuple(
        Latest("edge", f"demo-{n} / 0", "neutral", 0.9, 0.4, "optimal_edge", 12.0)
        for n in range(40)
    ),
    headline="Turns are routed",
)


def drawn(moment: Moment, width: int = 120, height: int = 40) -> str:
    file = io.StringIO()
    Console(file=file, width=width, height=height).print(picture(moment, width, height))
    return file.getvalue()


def test_it_shows_rate_share_cost_and_what_waits() -> None:
    text = drawn(MOMENT)
    assert "21 of 100 turns routed, 40 fed" in text
    assert "160/s" in text
    assert "85.0%" in text
    assert "dead letters   1" in text
    assert "low_confidence   3" in text
    assert "Turns are routed" in text


def test_it_counts_the_answers_of_each_tier() -> None:
    text = drawn(MOMENT)
    assert "student        17" in text
    assert "teacher        2" in text


def test_a_decision_is_shown_with_its_tier() -> None:
    latest = (replace(MOMENT.latest[0], tier="reflex"),)
    assert "reflex" in drawn(replace(MOMENT, latest=latest))


def test_it_names_every_process_with_its_standing() -> None:
    lines = drawn(MOMENT).splitlines()
    assert any("edge " in line and "working" in line for line in lines)
    assert any("monitor" in line and "starting" in line for line in lines)


def test_a_worker_that_is_gone_is_seen() -> None:
    gone = Process("cloud", "gone", "killed; comes back in a moment")
    text = drawn(replace(MOMENT, processes=(gone,), headline="It is killed", alarm=True))
    assert "gone" in text
    assert "It is killed" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [16, 24, 30, 40, 60])
def test_it_never_breaks_a_line(width: int, height: int) -> None:
    for line in drawn(MOMENT, width, height).splitlines():
        assert len(line) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (120, 30), (200, 60)])
def test_it_fits_on_the_terminal(width: int, height: int) -> None:
    assert len(drawn(MOMENT, width, height).splitlines()) <= height


def test_a_narrow_terminal_has_the_saving_in_a_line() -> None:
    assert re.search(r"saved \d\d\.\d%: \$", drawn(MOMENT, 80, 24))


def test_the_first_moment_is_a_picture_too() -> None:
    nothing = figures(Totals(), Prices())
    text = drawn(replace(MOMENT, figures=nothing, rates=(), latest=(), to_feed=0, fed=0))
    assert "0 of 0 turns" in text


def test_what_came_over_the_wire_cannot_write_to_the_terminal() -> None:
    hostile = Latest("edge", "\x1b[2Jc", "[red]l\x1b", 0.9, None, "optimal_edge", 1.0)
    text = drawn(replace(MOMENT, latest=(hostile,)))
    assert "\x1b" not in text
    assert "[red]l?" in text
