"""The demo's live picture: what a moment looks like, drawn from plain data. Pure; no message text.

`picture` draws for a terminal of any size: side by side where there is room, else what matters
most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edgeroute.report import words as say
from edgeroute.report.figures import Latency, ReportFigures
from schemas.decision import Route

Standing = Literal["starting", "working", "gone"]

_WIDE: Final = 100
_BAR: Final = 24
_TALL: Final = 9
"""Lines of the first two panels, whatever they hold, so that they end side by side."""
_TIERS: Final = 3
_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_COLOURS: Final[dict[Route, str]] = {
    "edge": "blue",
    "cloud": "yellow",
    "skipped": "bright_black",
    "dead_letter": "red",
}
_FALLBACK: Final = "magenta"
_STANDINGS: Final[dict[Standing, str]] = {
    "starting": "yellow",
    "working": "green",
    "gone": "bold white on red",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A role's process: its standing, and what it does, in a few words."""

    name: str
    standing: Standing
    doing: str


@dataclass(frozen=True, slots=True)
class Latest:
    """One decision, or one answer of the cloud: who decided, what, how sure, why, how fast.

    ``tier`` is whose answer it is; empty where no tier was asked.
    """

    who: str
    where: str
    label: str
    confidence: float | None
    complexity: float | None
    reason: str
    ms: float
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """All that the picture shows.

    ``rates`` are the turns routed a second, the newest last. ``waiting`` are escalations that the
    cloud has not answered. ``headline`` says what happens now; ``alarm`` that something is gone.
    """

    seconds: float
    fed: int
    to_feed: int
    rates: tuple[float, ...]
    waiting: int
    figures: ReportFigures
    processes: tuple[Process, ...]
    latest: tuple[Latest, ...]
    headline: str
    alarm: bool = False


def picture(moment: Moment, width: int, height: int) -> RenderableType:
    """Return the picture for a terminal of this size."""
    wide = width >= _WIDE
    top = [_progress(moment, width), _headline(moment)]
    rows: list[RenderableType]
    if wide:
        rows = [
            _beside(_processes(moment), _routing(moment)),
            _beside(_money(moment), _latencies(moment)),
        ]
        used = 4 + 9 + 7
    else:
        rows = [_summary(moment), _processes(moment), _routing(moment)]
        used = 4 + 10 + 9
    room = height - used - 4
    shown = moment.latest[: max(room, 0)]
    return Group(*top, *rows, *([_latest(shown, wide)] if room > 0 else []))


def _progress(moment: Moment, width: int) -> Text:
    routed = moment.figures.routing.records
    text = Text(f"{moment.seconds:5.1f} s  ", style="bold")
    room = max(min(width - 64, 50), 10)
    done = round(room * min(routed / moment.to_feed, 1.0)) if moment.to_feed else 0
    text.append("━" * done, "green").append("━" * (room - done), "bright_black")
    text.append(f"  {routed:,} of {moment.to_feed:,} turns routed, {moment.fed:,} fed", "default")
    return text


def _headline(moment: Moment) -> Text:
    return Text(f" {moment.headline} ", "bold white on red" if moment.alarm else "bold cyan")


def _summary(moment: Moment) -> Text:
    """What a narrow terminal has no panels for, in a line."""
    figures = moment.figures
    cost, inference = figures.cost, figures.latency.inference
    return Text(
        f"saved {say.share(cost.saving)}: {say.dollars(cost.total)} for "
        f"{say.dollars(cost.cloud_only)}; inference p95 {say.milliseconds(inference.p95_ms)} ms; "
        f"{say.count(figures.routing.dead_letters)} dead letters",
        no_wrap=True,
        overflow="ellipsis",
    )


def _processes(moment: Moment) -> Panel:
    table = _grid(3, first=7, second=10)
    for process in moment.processes:
        mark = Text(f" {process.standing} ", _STANDINGS[process.standing])
        table.add_row(Text(process.name, "bold"), mark, process.doing)
    rate = moment.rates[-1] if moment.rates else 0.0
    table.add_row("", "", "")
    table.add_row("rate", Text(f"{rate:,.0f}/s", "bold"), Text(_sparks(moment.rates), "green"))
    waiting = Text(say.count(moment.waiting), "bold red" if moment.alarm else "bold")
    table.add_row("waiting", waiting, "escalations without an answer")
    return _panel("Processes", table, _TALL)


def _routing(moment: Moment) -> Panel:
    routing = moment.figures.routing
    table = _grid(3, first=15, second=6)
    at_edge = routing.edge_utilisation
    table.add_row(
        Text("at the edge", "bold"),
        Text(say.share(at_edge), "bold"),
        _bar(at_edge or 0.0, "blue", "yellow"),
    )
    tiers = say.largest(routing.by_tier)[:_TIERS]
    for tier, records in tiers:
        part = records / max(routing.scored, records)
        table.add_row(Text(f"  {say.shown(tier)}"), say.count(records), _bar(part, "cyan"))
    most = max(routing.by_reason.values(), default=0)
    for reason, records in say.largest(routing.by_reason)[: 6 - len(tiers)]:
        part = records / most if most else 0.0
        colour = _colour(reason)
        table.add_row(Text(say.shown(reason)), say.count(records), _bar(part, colour))
    return _panel("Routes, tiers and reasons", table, _TALL)


def _money(moment: Moment) -> Panel:
    cost = moment.figures.cost
    table = _grid(3, first=13, second=8)
    most = max(cost.total, cost.cloud_only)
    ours, alone = (cost.total / most, cost.cloud_only / most) if most else (0.0, 0.0)
    table.add_row("paid", say.dollars(cost.total), _bar(ours, "green"))
    table.add_row("cloud for all", say.dollars(cost.cloud_only), _bar(alone, "yellow"))
    table.add_row(Text("saved", "bold"), Text(say.share(cost.saving), "bold"), "")
    table.add_row("a query", say.dollars(cost.per_query), "")
    letters = moment.figures.routing.dead_letters
    table.add_row("dead letters", Text(say.count(letters), "red" if letters else ""), "")
    return _panel("Cost", table)


def _latencies(moment: Moment) -> Panel:
    latency = moment.figures.latency
    table = _grid(4, first=15, second=6)
    table.add_row(*(Text(name, "bright_black") for name in ("ms", "p50", "p95", "p99")))
    for name, times in (
        ("edge inference", latency.inference),
        ("edge processing", latency.processing),
        ("cloud inference", latency.cloud_inference),
        ("cloud wait", latency.cloud_wait),
    ):
        table.add_row(name, *_quantiles(times))
    return _panel("Latencies", table)


def _quantiles(times: Latency) -> tuple[str, ...]:
    return tuple(map(say.milliseconds, (times.p50_ms, times.p95_ms, times.p99_ms)))


def _colour(reason: str) -> str:
    kind = say.kind_of(reason)
    return _FALLBACK if kind.is_fallback else _COLOURS[kind.route]


def _latest(latest: Sequence[Latest], wide: bool) -> Panel:
    table = _grid(7 if wide else 5)
    for item in latest:
        cells: list[str | Text] = [
            Text(say.shown(item.tier or item.who), "yellow" if item.who == "cloud" else "blue"),
            Text(say.shown(item.where)),
            Text(say.shown(item.label)),
            say.share(item.confidence),
            Text(say.shown(item.reason), _colour(item.reason)),
        ]
        if wide:
            scored = item.complexity is not None
            cells += [f"complexity {say.number(item.complexity)}" if scored else ""]
            cells += [f"{item.ms:,.1f} ms"]
        table.add_row(*cells)
    return _panel("Latest decisions and answers", table)


def _panel(title: str, table: Table, height: int | None = None) -> Panel:
    return Panel(table, title=title, title_align="left", border_style="bright_black", height=height)


def _beside(left: RenderableType, right: RenderableType) -> Table:
    table = Table.grid(expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(left, right)
    return table


def _grid(columns: int, first: int = 0, second: int = 0) -> Table:
    """Return an empty grid; its first two columns keep their width where there is little room."""
    table = Table.grid(padding=(0, 2))
    for number in range(columns):
        least = (first, second)[number] if number < 2 else 0
        table.add_column(no_wrap=True, min_width=least or None)
    return table


def _bar(part: float, colour: str, rest: str = "") -> Text:
    done = round(_BAR * part) if part <= 0 else max(round(_BAR * part), 1)
    text = Text("█" * done, colour)
    return text.append("█" * (_BAR - done), rest) if rest else text


def _sparks(rates: Sequence[float]) -> str:
    most = max(rates, default=0.0)
    if most <= 0:
        return ""
    return "".join(_LEVELS[round(rate / most * (len(_LEVELS) - 1))] for rate in rates)
