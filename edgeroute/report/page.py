"""The report as one page: HTML with its style and pictures inside, no script, nothing to load.

Pure. Labels, run ids and what else came over a wire are escaped, and shown without control
characters.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from edgeroute.report import svg
from edgeroute.report import words as say
from edgeroute.report.claims import PROCESSING_MS, Claim, Models, Network
from edgeroute.report.figures import Health, Latency, ReportFigures
from edgeroute.report.svg import Mark, Part
from router.claims import INFERENCE_MS
from schemas.decision import Route

_LABELS: Final = 12
_COLOURS: Final[dict[Route, str]] = {
    "edge": "edge",
    "cloud": "cloud",
    "skipped": "skipped",
    "dead_letter": "dead",
}
_STYLE: Final = """
:root { color-scheme: light dark; --back: #fbfbfa; --card: #ffffff; --ink: #1d2126; --soft: #5b636d;
  --line: #dcdfe3; --edge: #2a6fd6; --cloud: #d9701e; --skipped: #9aa3ad; --dead: #b3315f;
  --good: #177245; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --card: #1c2026; --ink: #e8eaed;
  --soft: #a3acb7; --line: #343a43; --edge: #6ea6f5; --cloud: #f0985a; --skipped: #78818c;
  --dead: #e57ba3; --good: #5fc793; --bad: #f28b82; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; font-weight: 600; }
p { margin: .25rem 0 .75rem; } .soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.25rem; margin-top: 1.25rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 1rem;
  margin-top: 1.25rem; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .9rem 1rem; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.25; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .45rem .6rem; border-top: 1px solid var(--line);
  vertical-align: top; white-space: nowrap; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; }
th:first-child { text-align: left; white-space: normal; font-weight: 500; }
th small { display: block; color: var(--soft); font-weight: 400; }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); font-weight: 600; }
h3 .soft { font-weight: 400; } svg + p, ul + p { margin: .75rem 0 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--ink); font: 14px system-ui, sans-serif; }
svg .amount { font-weight: 600; } svg .small { font-size: 12px; fill: var(--soft); }
svg .axis { stroke: var(--line); } svg .mark { stroke-width: 1.5; stroke-dasharray: 4 3; }
.mark.ink { stroke: var(--soft); } .mark.limit { stroke: var(--bad); }
rect.edge { fill: var(--edge); } rect.cloud { fill: var(--cloud); }
rect.skipped { fill: var(--skipped); } rect.dead { fill: var(--dead); }
.dot { display: inline-block; width: .75em; height: .75em; border-radius: 3px; margin-right: .4em; }
.dot.edge { background: var(--edge); } .dot.cloud { background: var(--cloud); }
.dot.skipped { background: var(--skipped); } .dot.dead { background: var(--dead); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; padding: 0;
  margin: .6rem 0 0; }
"""


def page(figures: ReportFigures) -> str:
    """Return the page."""
    scope = "Live traffic" if figures.run_id is None else f"Run {figures.run_id}"
    body = (
        f"<h1>{_text(scope)}</h1>",
        f'<p class="soft">{_text(_span(figures))}</p>',
        _tiles(figures),
        _section("Against the article", _claims(figures.claims)),
        _section("Health", _health(figures.health)),
        _section("Where the records went", _routes(figures) + _tiers(figures) + _reasons(figures)),
        _section("What it cost", _costs(figures)),
        _section("How long it took", _latencies(figures)),
        _section("The models", _models(figures)),
        _section("What was answered", _labels(figures)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>edgeroute: {_text(scope)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(body)}\n</main></body></html>\n"
    )


def _span(figures: ReportFigures) -> str:
    if figures.first is None or figures.last is None:
        return "No decisions recorded yet; the bundle's models are below"
    return (
        f"{say.count(figures.routing.records)} records, "
        f"{figures.first:%Y-%m-%d %H:%M:%S} to {figures.last:%Y-%m-%d %H:%M:%S} UTC"
    )


def _tiles(figures: ReportFigures) -> str:
    inference = say.milliseconds(figures.latency.inference.p95_ms)
    tiles = (
        ("answered at the edge", say.share(figures.routing.edge_utilisation)),
        ("saved against cloud-only", say.share(figures.cost.saving)),
        ("a query", say.dollars(figures.cost.per_query)),
        ("edge inference, p95", inference if inference == say.DASH else f"{inference} ms"),
    )
    drawn = (f'<div><b>{value}</b><span class="soft">{name}</span></div>' for name, value in tiles)
    return f'<div class="tiles">{"".join(drawn)}</div>'


def _claims(claims: Sequence[Claim]) -> str:
    rows = [
        (
            f"{_text(claim.name)}<small>{_text(claim.note or '')}</small>",
            f'<span class="{say.met(claim)}">{say.met(claim)}</span>',
            say.measured(claim),
            _text(say.claimed(claim).replace(">=", "≥")),
            "this run" if claim.source == "run" else "the bundle",
        )
        for claim in claims
    ]
    return _table(("", "met", "measured", "claimed", "from"), rows)


def _health(health: Health | None) -> str:
    if health is None:
        return '<p class="soft">Nothing was scored yet.</p>'
    alerts = "; ".join(say.ALERTS[alert] for alert in health.alerts) or "none"
    return (
        f"<p><b>{health.status}</b>, {health.score} out of 100</p>"
        f'<p class="soft">Alerts: {_text(alerts)}.</p>'
    )


def _routes(figures: ReportFigures) -> str:
    routing = figures.routing
    parts = [
        Part(name, amount, f"{say.count(amount)} ({say.of(amount, routing.records)})", colour)
        for name, amount, colour in (
            ("edge", routing.edge, "edge"),
            ("cloud", routing.cloud, "cloud"),
            ("skipped", routing.skipped, "skipped"),
            ("dead letters", routing.dead_letters, "dead"),
        )
    ]
    without = say.share(routing.edge_utilisation_without_audit)
    return svg.stacked("Records by route", parts) + (
        f'<p class="soft">Of the {say.count(routing.scored)} that a model scored, '
        f"{say.share(routing.edge_utilisation)} stayed at the edge; {without} would have, had "
        "nothing been audited. Skipped records and dead letters are in no share but these here.</p>"
    )


def _tiers(figures: ReportFigures) -> str:
    clouds = {figures.models.cloud.tier} if figures.models else set()
    rows = []
    for tier, records in say.largest(figures.routing.by_tier):
        written = f"{say.count(records)} ({say.of(records, figures.routing.scored)})"
        part = Part(tier, records, written, "cloud" if tier in clouds else "edge")
        rows.append((say.shown(tier), [part], written))
    return "<h3>Answered by</h3>" + svg.bars("Answers by tier", rows) if rows else ""


def _reasons(figures: ReportFigures) -> str:
    rows = []
    for reason, records in say.largest(figures.routing.by_reason):
        kind = say.kind_of(reason)
        written = f"{say.count(records)} ({say.of(records, figures.routing.records)})"
        part = Part(reason, records, written, _COLOURS[kind.route])
        rows.append((kind.words, [part], written))
    return "<h3>Why</h3>" + svg.bars("Records by reason", rows)


def _costs(figures: ReportFigures) -> str:
    cost = figures.cost
    ours = [
        Part("edge", cost.edge, say.dollars(cost.edge), "edge"),
        Part("cloud", cost.cloud, say.dollars(cost.cloud), "cloud"),
    ]
    alone = [Part("cloud", cost.cloud_only, say.dollars(cost.cloud_only), "cloud")]
    rows = (
        ("routed: edge and cloud", ours, say.dollars(cost.total)),
        ("with the cloud for all", alone, say.dollars(cost.cloud_only)),
    )
    month = (
        f"about {say.dollars(cost.monthly_saving)} a month at this rate"
        if cost.monthly_saving is not None
        else f"no estimate of a month ({cost.no_monthly_because})"
    )
    open_ = figures.cloud.waiting
    waiting = f" {say.count(open_)} escalations have no answer yet, and no price." if open_ else ""
    return svg.bars("Cost against sending everything to the cloud", rows) + (
        f'<p class="soft">Saved {say.dollars(cost.saved)}, {say.share(cost.saving)}; '
        f"{say.dollars(cost.per_query)} a query; {month}. An escalated message pays for the edge "
        f"and for the cloud.{waiting}</p>"
    )


def _latencies(figures: ReportFigures) -> str:
    times = figures.latency
    limits = {
        "inference": Mark("claimed 20 ms", INFERENCE_MS, "limit"),
        "processing": Mark("alert 150 ms", PROCESSING_MS, "limit"),
    }
    drawn = "".join(
        _latency(name, what, latency, limits.get(name.removeprefix("edge ")), colour)
        for name, what, latency, colour in (
            ("edge inference", "the session's time for a micro-batch", times.inference, "edge"),
            ("edge processing", "fetched to handed to the producer", times.processing, "edge"),
            ("cloud wait", "escalated to answered", times.cloud_wait, "cloud"),
            ("cloud inference", "the session's time", times.cloud_inference, "cloud"),
            (
                "cloud processing",
                "fetched to handed to the producer",
                times.cloud_processing,
                "cloud",
            ),
        )
    )
    return drawn + (
        '<p class="soft">Easily mixed up: the claim of 20 ms is about inference, the alert at '
        "150 ms about processing, and neither holds the commit, which a record cannot carry. One "
        "axis for all, in steps of ten; within 6 %.</p>"
    )


def _latency(name: str, what: str, latency: Latency, limit: Mark | None, colour: str) -> str:
    if latency.p50_ms is None or latency.p95_ms is None:
        return f'<h3>{name} <span class="soft">{what}: nothing measured</span></h3>'
    quantiles = (latency.p50_ms, latency.p95_ms, latency.p99_ms)
    p50, p95, p99 = map(say.milliseconds, quantiles)
    said = f"p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, of {say.count(latency.count)}"
    marks = [Mark("p95", latency.p95_ms, "ink")] + ([limit] if limit else [])
    return f'<h3>{name} <span class="soft">{what}</span></h3><p>{said}</p>' + svg.histogram(
        f"{name}: how many by latency", said, latency.histogram, marks, colour
    )


def _models(figures: ReportFigures) -> str:
    found = figures.models
    if found is None:
        return f"<p>{say.DASH} {_text(figures.no_models_because or '')}</p>"
    sizes = [
        (say.shown(network.tier), [_size(network.size_mb, colour)], f"{network.size_mb:,.1f} MB")
        for network, colour in _coloured(found)
    ]
    rows = [
        (
            _text(network.tier),
            say.share(network.accuracy),
            say.milliseconds(network.latency_mean_ms),
            say.milliseconds(network.latency_p95_ms),
            f"{network.messages_per_second:,.0f}",
        )
        for network in found.networks
    ]
    columns = ("", "accuracy", "alone, mean ms", "alone, p95 ms", "a second, in batches of 16")
    where = f" on {found.processor}" if found.processor else ""
    return (
        svg.bars("Sizes of the models", sizes)
        + _table(columns, rows)
        + f'<p class="soft">{_text(found.bundle_version)}, measured when it was made, with one '
        f"thread, on {say.count(found.messages)} held-out messages{_text(where)}. The edge has "
        f"{say.share(1 - found.smaller)} of the cloud's size; all tiers together keep "
        f"{say.share(found.system.share)} of its accuracy.</p>"
    )


def _coloured(found: Models) -> list[tuple[Network, str]]:
    return [*((network, "edge") for network in found.edge), (found.cloud, "cloud")]


def _size(megabytes: float, colour: str) -> Part:
    return Part("size", megabytes, f"{megabytes:,.1f} MB", colour)


def _labels(figures: ReportFigures) -> str:
    edge, cloud = figures.routing.by_label, figures.cloud.by_label
    found = say.largest({label: edge.get(label, 0) for label in {**edge, **cloud}})
    rows = [
        (say.shown(label), [Part("edge", n, say.count(n), "edge")], say.count(n))
        for label, n in found[:_LABELS]
    ]
    if rest := found[_LABELS:]:
        n = sum(records for _, records in rest)
        rows.append((f"{len(rest)} more", [Part("edge", n, say.count(n), "edge")], say.count(n)))
    agreement = say.share(figures.cloud.agreement)
    return svg.bars("The edge's labels", rows) + (
        f'<p class="soft">By the edge. Of the {say.count(figures.cloud.answered)} escalations that '
        f"the cloud answered, {agreement} have the same label there; those are the hard messages, "
        "so it is not the edge's accuracy.</p>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The cells are HTML already; the first of each row is its heading."""
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _text(text: str) -> str:
    return escape(say.shown(text))
