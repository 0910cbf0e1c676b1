"""The report as tables for people. What cannot be told yet is a dash."""

from collections.abc import Mapping
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeroute.figures import Cloud, Cost, Latencies, ReportFigures, figures

__all__ = ["ReportFigures", "figures", "render"]

_DASH: Final = "-"
_SHOWN: Final = 10
"""Labels and runs that are listed; the others are summed up."""
_WIDTH: Final = 66
_NUMBER: Final = 10
_REASONS: Final = {
    "optimal_edge": "easy, the edge answered",
    "high_complexity": "too complex",
    "low_confidence": "edge not sure",
    "random_cloud": "drawn for the audit",
    "cloud_error": "cloud away, the edge answered",
    "budget": "over the budget, the edge answered",
    "role_not_scored": "role not scored",
    "empty_text": "no text",
    "invalid_record": "not a valid record",
}


def render(figures: ReportFigures, console: Console) -> None:
    """Print the figures as tables; without frames and colours where there is no terminal."""
    if not figures.routing.records and not figures.cloud.answered:
        console.print(_nothing(figures), soft_wrap=True)
        return
    console.print(_heading(figures))
    for table in (_routing(figures), _reasons(figures), _labels(figures)):
        _print(table, console)
    for table in (_money(figures.cost), _clouds(figures.cloud), _latencies(figures.latency)):
        _print(table, console)


def _nothing(figures: ReportFigures) -> Text:
    scope = "" if figures.run_id is None else f" for run {_shown(figures.run_id)}"
    runs = ", ".join(_shown(run) for run in figures.runs[:_SHOWN])
    more = f" Runs with totals: {runs} (see one with --run-id)." if runs else ""
    return Text(
        f"No decisions recorded yet{scope}. Start the monitor (edgeroute run monitor) and an edge "
        f"(edgeroute run edge), then feed transcripts (edgeroute replay FILE).{more}"
    )


def _heading(figures: ReportFigures) -> Text:
    scope = "Live traffic" if figures.run_id is None else f"Run {_shown(figures.run_id)}"
    heading = Text(scope, style="bold")
    if figures.first is not None and figures.last is not None:
        heading.append(
            f"  {figures.first:%Y-%m-%d %H:%M:%S} to {figures.last:%Y-%m-%d %H:%M:%S} UTC"
        )
    return heading


def _routing(figures: ReportFigures) -> Table:
    routing = figures.routing
    table = _table("Routing", "records", "share")
    table.add_row("scored", _count(routing.scored), "")
    table.add_row("answered at the edge", _count(routing.edge), _share(routing.edge_utilisation))
    without = _share(routing.edge_utilisation_without_audit)
    table.add_row("  had nothing been audited", _count(routing.edge + routing.audited), without)
    table.add_row("sent to the cloud", _count(routing.cloud), _of(routing.cloud, routing.scored))
    table.add_row("  for the audit", _count(routing.audited), _of(routing.audited, routing.scored))
    table.add_row("skipped", _count(routing.skipped), "")
    table.add_row("dead letters", _count(routing.dead_letters), "")
    table.add_row("mean complexity", _number(routing.mean_complexity), "")
    table.add_row("mean confidence", _number(routing.mean_confidence), "")
    return table


def _reasons(figures: ReportFigures) -> Table:
    table = _table("Reason", "records", "share")
    for reason, count in _largest(figures.routing.by_reason):
        said = f"{reason} ({_REASONS[reason]})" if reason in _REASONS else _shown(reason)
        table.add_row(said, _count(count), _of(count, figures.routing.records))
    return table


def _labels(figures: ReportFigures) -> Table:
    edge, cloud = figures.routing.by_label, figures.cloud.by_label
    table = _table("Label", "edge", "share", "cloud")
    largest = _largest({label: edge.get(label, 0) for label in {**edge, **cloud}})
    for label, count in largest[:_SHOWN]:
        share = _of(count, figures.routing.scored)
        table.add_row(Text(_shown(label)), _count(count), share, _count(cloud.get(label, 0)))
    if rest := largest[_SHOWN:]:
        count = sum(count for _, count in rest)
        share = _of(count, figures.routing.scored)
        there = sum(cloud.get(label, 0) for label, _ in rest)
        table.add_row(f"{len(rest)} more", _count(count), share, _count(there))
    return table


def _money(cost: Cost) -> Table:
    table = _table("Cost", "dollars", "share")
    table.add_row("edge", _dollars(cost.edge), _of(cost.edge, cost.total))
    table.add_row("cloud", _dollars(cost.cloud), _of(cost.cloud, cost.total))
    table.add_row("total", _dollars(cost.total), "")
    table.add_row("per query", _dollars(cost.per_query), "")
    table.add_row("with the cloud for all", _dollars(cost.cloud_only), "")
    table.add_row("saved", _dollars(cost.saved), _share(cost.saving))
    why = f" ({cost.no_monthly_because})" if cost.no_monthly_because else ""
    table.add_row(f"saved a month, estimated{why}", _dollars(cost.monthly_saving), "")
    return table


def _clouds(cloud: Cloud) -> Table:
    table = _table("Cloud", "records", "share")
    table.add_row("escalated", _count(cloud.escalated), "")
    if cloud.unsent:
        table.add_row("  priced in a replay, not sent", _count(cloud.unsent), "")
    sent = cloud.escalated - cloud.unsent
    table.add_row("answered", _count(cloud.answered), _of(cloud.answered, sent))
    table.add_row("waiting, not priced yet", _count(cloud.waiting), "")
    table.add_row("worker failed, edge's answer kept", _count(cloud.failed), "")
    table.add_row("unavailable, not escalated", _count(cloud.unavailable), "")
    table.add_row("same label as the edge", _count(cloud.agreed), _share(cloud.agreement))
    return table


def _latencies(latency: Latencies) -> Table:
    table = _table("Latency, ms", "records", "p50", "p95", "p99")
    for name, times in (
        ("edge processing", latency.processing),
        ("edge inference", latency.inference),
        ("cloud wait", latency.cloud_wait),
        ("cloud processing", latency.cloud_processing),
        ("cloud inference", latency.cloud_inference),
    ):
        quantiles = (times.p50_ms, times.p95_ms, times.p99_ms)
        table.add_row(name, _count(times.count), *map(_milliseconds, quantiles))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, min_width=_WIDTH - len(columns) * (_NUMBER + 2))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True, min_width=_NUMBER)
    return table


def _print(table: Table, console: Console) -> None:
    if not table.row_count:
        return
    if console.width < _WIDTH + 8:
        for column in table.columns:
            column.min_width = None
    if not console.is_terminal:
        table.box = None
        console.print()
    console.print(table)


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shown(name: str) -> str:
    """A label or run id came over a wire: no control characters reach the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _count(count: int) -> str:
    return f"{count:,}"


def _number(value: float | None) -> str:
    return _DASH if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return _DASH if value is None else f"{value:.1%}"


def _of(part: float, whole: float) -> str:
    return _share(part / whole if whole else None)


def _dollars(value: float | None) -> str:
    if value is None:
        return _DASH
    sign, size = "-" if value < 0 else "", abs(value)
    return f"{sign}${size:,.2f}" if size >= 100 else f"{sign}${size:.4f}"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return _DASH
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
