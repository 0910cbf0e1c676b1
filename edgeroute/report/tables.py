"""The report as tables for people. What cannot be told yet is a dash."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeroute.report import words as say
from edgeroute.report.claims import Claim
from edgeroute.report.figures import Cloud, Cost, Health, Latencies, ReportFigures, figures

__all__ = ["ReportFigures", "claims_table", "figures", "render"]

_SHOWN: Final = 10
"""Labels and runs that are listed; the others are summed up."""
_WIDTH: Final = 66
_NUMBER: Final = 10


def render(figures: ReportFigures, console: Console) -> None:
    """Print the figures as tables; without frames and colours where there is no terminal."""
    if not figures.routing.records and not figures.cloud.answered:
        console.print(_nothing(figures), soft_wrap=True)
        return
    console.print(_heading(figures))
    for table in (_routing(figures), _tiers(figures), _reasons(figures), _labels(figures)):
        _print(table, console)
    for table in (_money(figures.cost), _clouds(figures.cloud), _latencies(figures.latency)):
        _print(table, console)
    for table in (_models(figures), claims_table(figures.claims), _health(figures.health)):
        _print(table, console)


def _nothing(figures: ReportFigures) -> Text:
    scope = "" if figures.run_id is None else f" for run {say.shown(figures.run_id)}"
    runs = ", ".join(say.shown(run) for run in figures.runs[:_SHOWN])
    more = f" Runs with totals: {runs} (see one with --run-id)." if runs else ""
    return Text(
        f"No decisions recorded yet{scope}. Start the monitor (edgeroute run monitor) and an edge "
        f"(edgeroute run edge), then feed transcripts (edgeroute replay FILE).{more}"
    )


def _heading(figures: ReportFigures) -> Text:
    scope = "Live traffic" if figures.run_id is None else f"Run {say.shown(figures.run_id)}"
    heading = Text(scope, style="bold")
    if figures.first is not None and figures.last is not None:
        heading.append(
            f"  {figures.first:%Y-%m-%d %H:%M:%S} to {figures.last:%Y-%m-%d %H:%M:%S} UTC"
        )
    return heading


def _routing(figures: ReportFigures) -> Table:
    routing = figures.routing
    table = _table("Routing", "records", "share")
    table.add_row("scored", say.count(routing.scored), "")
    table.add_row(
        "answered at the edge", say.count(routing.edge), say.share(routing.edge_utilisation)
    )
    without = say.share(routing.edge_utilisation_without_audit)
    table.add_row("  had nothing been audited", say.count(routing.edge + routing.audited), without)
    table.add_row(
        "sent to the cloud", say.count(routing.cloud), say.of(routing.cloud, routing.scored)
    )
    table.add_row(
        "  for the audit", say.count(routing.audited), say.of(routing.audited, routing.scored)
    )
    table.add_row("skipped", say.count(routing.skipped), "")
    table.add_row("dead letters", say.count(routing.dead_letters), "")
    table.add_row("mean complexity", say.number(routing.mean_complexity), "")
    table.add_row("mean confidence", say.number(routing.mean_confidence), "")
    return table


def _tiers(figures: ReportFigures) -> Table:
    table = _table("Answered by", "records", "share")
    for tier, records in say.largest(figures.routing.by_tier):
        share = say.of(records, figures.routing.scored)
        table.add_row(Text(say.shown(tier)), say.count(records), share)
    return table


def _reasons(figures: ReportFigures) -> Table:
    table = _table("Reason", "records", "share")
    for reason, records in say.largest(figures.routing.by_reason):
        name, words = say.shown(reason), say.kind_of(reason).words
        said = name if words == name else f"{name} ({words})"
        table.add_row(said, say.count(records), say.of(records, figures.routing.records))
    return table


def _labels(figures: ReportFigures) -> Table:
    edge, cloud = figures.routing.by_label, figures.cloud.by_label
    table = _table("Label", "edge", "share", "cloud")
    largest = say.largest({label: edge.get(label, 0) for label in {**edge, **cloud}})
    for label, count in largest[:_SHOWN]:
        share = say.of(count, figures.routing.scored)
        table.add_row(
            Text(say.shown(label)), say.count(count), share, say.count(cloud.get(label, 0))
        )
    if rest := largest[_SHOWN:]:
        count = sum(records for _, records in rest)
        share = say.of(count, figures.routing.scored)
        there = sum(cloud.get(label, 0) for label, _ in rest)
        table.add_row(f"{len(rest)} more", say.count(count), share, say.count(there))
    return table


def _money(cost: Cost) -> Table:
    table = _table("Cost", "dollars", "share")
    table.add_row("edge", say.dollars(cost.edge), say.of(cost.edge, cost.total))
    table.add_row("cloud", say.dollars(cost.cloud), say.of(cost.cloud, cost.total))
    table.add_row("total", say.dollars(cost.total), "")
    table.add_row("per query", say.dollars(cost.per_query), "")
    table.add_row("with the cloud for all", say.dollars(cost.cloud_only), "")
    table.add_row("saved", say.dollars(cost.saved), say.share(cost.saving))
    why = f" ({cost.no_monthly_because})" if cost.no_monthly_because else ""
    table.add_row(f"saved a month, estimated{why}", say.dollars(cost.monthly_saving), "")
    return table


def _clouds(cloud: Cloud) -> Table:
    table = _table("Cloud", "records", "share")
    table.add_row("escalated", say.count(cloud.escalated), "")
    if cloud.unsent:
        table.add_row("  priced in a replay, not sent", say.count(cloud.unsent), "")
    sent = cloud.escalated - cloud.unsent
    table.add_row("answered", say.count(cloud.answered), say.of(cloud.answered, sent))
    table.add_row("waiting, not priced yet", say.count(cloud.waiting), "")
    table.add_row("worker failed, edge's answer kept", say.count(cloud.failed), "")
    table.add_row("unavailable, not escalated", say.count(cloud.unavailable), "")
    table.add_row("same label as the edge", say.count(cloud.agreed), say.share(cloud.agreement))
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
        table.add_row(name, say.count(times.count), *map(say.milliseconds, quantiles))
    return table


def _models(figures: ReportFigures) -> Table:
    found = figures.models
    table = _table("Models", "size, MB", "accuracy", "mean, ms", "p95, ms")
    if found is None:
        for name in ("edge model", "cloud model"):
            table.add_row(name, *[say.DASH] * 4)
        table.add_row(Text(f"  {say.shown(figures.no_models_because or '')}"))
        return table
    for network in found.networks:
        table.add_row(
            Text(say.shown(network.tier)),
            say.milliseconds(network.size_mb),
            say.share(network.accuracy),
            say.milliseconds(network.latency_mean_ms),
            say.milliseconds(network.latency_p95_ms),
        )
    kept = say.share(found.system.share)
    table.add_row("kept of the cloud's", say.share(1 - found.smaller), kept, "", "")
    where = f" on {say.shown(found.processor)}" if found.processor else ""
    table.add_row(
        Text(f"  {say.shown(found.bundle_version)}, {say.count(found.messages)} messages{where}")
    )
    return table


def claims_table(claims: tuple[Claim, ...]) -> Table:
    """Return what was measured beside what the article claims."""
    table = _table("Against the article", "measured", "claimed", "met")
    for claim in claims:
        table.add_row(claim.name, say.measured(claim), say.claimed(claim), say.met(claim))
        if claim.note:
            table.add_row(f"  {claim.note}")
    return table


def _health(health: Health | None) -> Table:
    table = _table("Health", "status", "score")
    if health is not None:
        table.add_row("out of 100", health.status, str(health.score))
        for alert in health.alerts:
            table.add_row(f"  {say.ALERTS[alert]}", "alert", "")
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
