"""A bundle's manifest as tables, alone and beside another's."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeroute.report import words as say
from edgeroute.report.claims import measured_claims
from edgeroute.report.tables import claims_table
from router.bundle import Bundle
from schemas.bundle import TOKENIZER, Interval, Manifest, Measure, Retention

_NAMES: Final = 12
"""Labels that are listed; of more, how many there are."""
_SHORT: Final = 12
"""Digits of a hash that are shown."""
_NONE: Final = "(none)"


_Pair = tuple[str, Any, Any, Callable[[Any], str]]


class Difference(NamedTuple):
    """One thing that two bundles do not share, and whether a decision can depend on it."""

    what: str
    one: str
    other: str
    decides: bool


def show(manifest: Manifest, console: Console) -> None:
    """Print what the manifest says."""
    console.print(Text(manifest.bundle_version, style="bold"))
    for table in (
        _about(manifest),
        _tiers(manifest),
        _networks(manifest),
        _speeds(manifest),
        _system(manifest),
        _kept(manifest),
        _data(manifest),
    ):
        _print(table, console)


def show_measured(manifest: Manifest, console: Console) -> None:
    """Print what was measured, and the article's claims beside it."""
    console.print(Text(manifest.bundle_version, style="bold"))
    for table in (
        _networks(manifest),
        _speeds(manifest),
        _system(manifest),
        _kept(manifest),
        claims_table(measured_claims(manifest)),
    ):
        _print(table, console)


def compare(one: Bundle, other: Bundle, console: Console) -> bool:
    """Print what sets two bundles apart; return whether they can decide differently."""
    found = differences(one, other)
    differ = any(difference.decides for difference in found)
    if found:
        table = _table("Difference", "decides", _head(one), _head(other), right=False)
        for difference in found:
            decides = "yes" if difference.decides else "no"
            cells = (difference.what, decides, difference.one, difference.other)
            table.add_row(*map(_text, cells))
        _print(table, console)
    _print(_side_by_side(one.manifest, other.manifest), console)
    console.print(
        "They can decide differently."
        if differ
        else "They decide the same about every message on one machine."
    )
    return differ


def differences(one: Bundle, other: Bundle) -> list[Difference]:
    """Return everything but measurements that the two do not share, what decides first."""
    a, b = one.manifest, other.manifest
    pairs: tuple[_Pair, ...] = (
        ("labels", a.labels, b.labels, _labels),
        ("most word pieces", a.max_tokens, b.max_tokens, str),
        ("tiers", _order(a), _order(b), str),
        *_tier_pairs(a, b),
        ("most complex at the edge", a.thresholds.complexity, b.thresholds.complexity, str),
        ("audited", a.thresholds.audit_rate, b.thresholds.audit_rate, str),
    )
    notes = (
        ("thresholds chosen for", _target(a), _target(b)),
        ("base encoder", a.base_model, b.base_model),
        ("licence", a.licence, b.licence),
        ("data", _sources(a), _sources(b)),
    )
    return [
        *_vocabularies(one, other),
        *(
            Difference(what, written(x), written(y), decides=True)
            for what, x, y, written in pairs
            if x != y
        ),
        *(Difference(what, x, y, decides=False) for what, x, y in notes if x != y),
    ]


def _vocabularies(one: Bundle, other: Bundle) -> list[Difference]:
    """Compare the word pieces; two files of the same ones may still split a text differently."""
    hashes = [bundle.manifest.files[TOKENIZER] for bundle in (one, other)]
    if hashes[0] == hashes[1]:
        return []
    a, b = _pieces(one), _pieces(other)
    if a == b:
        return [Difference("tokenizer", _digest(hashes[0]), _digest(hashes[1]), decides=True)]
    return [
        Difference(
            "vocabulary",
            f"{len(a):,} pieces, {len(a - b):,} only here",
            f"{len(b):,} pieces, {len(b - a):,} only here",
            decides=True,
        )
    ]


def _pieces(bundle: Bundle) -> set[str]:
    """Return the word pieces with their numbers, as text; none where the file has another form."""
    content = json.loads((bundle.folder / TOKENIZER).read_text(encoding="utf-8"))
    vocabulary = content.get("model", {}).get("vocab", {})
    pairs = vocabulary.items() if isinstance(vocabulary, dict) else enumerate(vocabulary)
    return {f"{name} {number}" for name, number in pairs}


def _tier_pairs(a: Manifest, b: Manifest) -> Iterator[_Pair]:
    """Yield what the tiers that both have are made of; that one has more is said by their order."""
    others = {model.tier: model for model in b.models.all()}
    for model in a.models.all():
        other = others.get(model.tier)
        if other is None:
            continue
        yield f"{model.tier}: weights", a.files[model.file], b.files[other.file], _digest
        for field in ("kind", "temperature", "threshold"):
            x, y = getattr(model, field), getattr(other, field)
            yield f"{model.tier}: {field}", x, y, str


def _side_by_side(a: Manifest, b: Manifest) -> Table:
    """Set accuracies, sizes and speeds beside each other; the messages may not be the same."""
    table = _table("Measured", a.bundle_version, b.bundle_version)
    table.add_row("messages", say.count(a.measured.messages), say.count(b.measured.messages))
    for name in dict.fromkeys((*a.measured.networks, *b.measured.networks)):
        one, other = a.measured.networks.get(name), b.measured.networks.get(name)
        for what, written in _FIGURES.items():
            table.add_row(
                _text(f"{name}: {what}"),
                say.DASH if one is None else written(one),
                say.DASH if other is None else written(other),
            )
    systems = a.measured.system, b.measured.system
    table.add_row("system: at the edge", *(say.share(system.edge_share) for system in systems))
    table.add_row("system: accuracy", *(say.share(system.accuracy) for system in systems))
    table.add_row(
        "system: accuracy kept", *(say.share(system.retention.share) for system in systems)
    )
    return table


_FIGURES: Final[dict[str, Callable[[Measure], str]]] = {
    "accuracy": lambda measure: say.share(measure.accuracy),
    "macro-F1": lambda measure: say.number(measure.macro_f1),
    "calibration error": lambda measure: say.number(measure.ece_after),
    "size, MB": lambda measure: f"{measure.size_mb:.2f}",
    "messages a second": lambda measure: say.count(round(measure.messages_per_second)),
}


def _about(manifest: Manifest) -> Table:
    thresholds = manifest.thresholds
    table = _table("Bundle", "", right=False)
    table.add_row("labels", _text(_labels(manifest.labels)))
    table.add_row("most word pieces", say.count(manifest.max_tokens))
    table.add_row("most complex at the edge", f"{thresholds.complexity:g}")
    table.add_row("audited", f"{thresholds.audit_rate:.1%}")
    table.add_row("thresholds chosen for", _target(manifest))
    table.add_row("how", _text(thresholds.chosen))
    table.add_row("base encoder", _text(manifest.base_model))
    table.add_row("licence", _text(manifest.licence))
    table.add_row("made", f"{manifest.created_at:%Y-%m-%d %H:%M} UTC")
    return table


def _tiers(manifest: Manifest) -> Table:
    table = _table("Tier", "kind", "temperature", "keeps from")
    for model in manifest.models.all():
        keeps = "all" if model is manifest.models.cloud else f"{model.threshold:g}"
        table.add_row(
            _text(f"{model.tier} ({model.file})"), model.kind, f"{model.temperature:g}", keeps
        )
    return table


def _networks(manifest: Manifest) -> Table:
    measured = manifest.measured
    table = _table(
        f"On {measured.messages:,} messages",
        "accuracy",
        "95 %",
        "macro-F1",
        "ECE",
        "before",
        "chance",
    )
    for name, measure in measured.networks.items():
        table.add_row(
            _text(name),
            say.share(measure.accuracy),
            _interval(measure.accuracy_interval),
            say.number(measure.macro_f1),
            say.number(measure.ece_after),
            say.number(measure.ece_before),
            say.number(measure.ece_by_chance),
        )
    return table


def _speeds(manifest: Manifest) -> Table:
    measured = manifest.measured
    table = _table("Inference", "mean ms", "p50", "p95", "MB", "memory MB", "messages/s", "faster")
    for name, measure in measured.networks.items():
        times = (measure.latency_mean_ms, measure.latency_p50_ms, measure.latency_p95_ms)
        table.add_row(
            _text(name),
            *(f"{time:.3g}" for time in times),
            f"{measure.size_mb:.2f}",
            f"{measure.memory_mb:.0f}",
            say.count(round(measure.messages_per_second)),
            _times(measured.faster.get(name)),
        )
    together = measured.system.messages_per_second
    if together is not None:
        fast = _times(measured.faster.get("system"))
        table.add_row("edge, from text", *[""] * 5, say.count(round(together)), fast)
    processor = measured.hardware.get("processor")
    if processor:
        table.add_row(_text(f"  {processor}"))
    return table


def _times(factor: float | None) -> str:
    return "" if factor is None else f"{factor:.1f} x"


def _system(manifest: Manifest) -> Table:
    system = manifest.measured.system
    table = _table("System", "share", "95 %")
    table.add_row("answered at the edge", say.share(system.edge_share), "")
    for tier, share in system.tier_shares.items():
        table.add_row(_text(f"  by {tier}"), say.share(share), "")
    table.add_row("right", say.share(system.accuracy), _interval(system.accuracy_interval))
    table.add_row("right of what the edge keeps", say.share(system.kept_accuracy), "")
    return table


def _kept(manifest: Manifest) -> Table:
    table = _table("Accuracy kept", "share", "95 %", "p")
    for entry in (*manifest.measured.retentions, manifest.measured.system.retention):
        table.add_row(*_retention(entry))
    return table


def _retention(entry: Retention) -> tuple[Text, str, str, str]:
    return (
        _text(f"{entry.of} of {entry.against}"),
        say.share(entry.share),
        _interval(entry.interval),
        say.number(entry.p_value),
    )


def _data(manifest: Manifest) -> Table:
    table = _table("Data", "messages", "SHA-256", "used for", right=False)
    for entry in manifest.data:
        row = (entry.name, f"{entry.rows:,}", _digest(entry.sha256), entry.use)
        table.add_row(*map(_text, row))
    return table


def _labels(labels: Sequence[str]) -> str:
    if len(labels) <= _NAMES:
        return ", ".join(labels)
    return f"{', '.join(labels[:_NAMES])} and {len(labels) - _NAMES} more"


def _order(manifest: Manifest) -> str:
    return " > ".join(model.tier for model in manifest.models.all())


def _target(manifest: Manifest) -> str:
    thresholds = manifest.thresholds
    return f"{thresholds.target.replace('_', ' ')} {thresholds.target_value:g}"


def _sources(manifest: Manifest) -> str:
    if not manifest.data:
        return _NONE
    return ", ".join(f"{entry.name} ({_digest(entry.sha256)})" for entry in manifest.data)


def _digest(sha256: str) -> str:
    return sha256[:_SHORT]


def _interval(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _head(bundle: Bundle) -> str:
    return say.shown(str(bundle.folder))


def _text(content: str) -> Text:
    """Keep what looks like markup, and no control characters."""
    return Text(say.shown(content))


def _table(title: str, *columns: str, right: bool = True) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(_text(title))
    for column in columns:
        table.add_column(_text(column), justify="right" if right else "left", no_wrap=right)
    return table


def _print(table: Table, console: Console) -> None:
    if not table.row_count:
        return
    if not console.is_terminal:
        table.box = None
        console.print()
    console.print(table)
