"""Pictures for the report's page: inline SVG, drawn by hand, coloured by the page's style. Pure."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 720
_ROW: Final = 30
_BAR: Final = 18
_NAME: Final = 230
_LETTERS: Final = 32
_AMOUNT: Final = 120
_PLOT: Final = 96
_LEAST_MS: Final = 0.1
_DECADES: Final = 6
"""The histograms' axis: 0.1 ms to 100 s, the same in all, so that they can be compared by eye."""


class Part(NamedTuple):
    """A piece of a bar: what it is, how much, what is written for it, and its colour's class."""

    name: str
    amount: float
    written: str
    colour: str


class Mark(NamedTuple):
    """A line through a histogram."""

    name: str
    ms: float
    colour: str


def stacked(title: str, parts: Sequence[Part]) -> str:
    """Return one bar of parts, and its key below."""
    whole = sum(part.amount for part in parts)
    drawn, at = [], 0.0
    for part in parts:
        width = WIDTH * part.amount / whole if whole else 0.0
        # Two pixels of the page's colour keep neighbours apart.
        drawn.append(
            _box(at, 0, max(width - 2, 0.0), 28, part.colour, f"{part.name}: {part.written}")
        )
        at += width
    key = "".join(
        f'<li><span class="dot {part.colour}"></span>{escape(part.name)} '
        f"<b>{escape(part.written)}</b></li>"
        for part in parts
    )
    said = "; ".join(f"{part.name} {part.written}" for part in parts)
    return f'{_svg(title, said, 28, drawn)}<ul class="key">{key}</ul>'


def bars(title: str, rows: Sequence[tuple[str, Sequence[Part], str]]) -> str:
    """Return a bar a row: its name, its parts and what is written beside it, on one scale."""
    longest = max((sum(part.amount for part in parts) for _, parts, _ in rows), default=0.0)
    room = WIDTH - _NAME - _AMOUNT
    drawn = []
    for number, (name, parts, written) in enumerate(rows):
        top = number * _ROW
        middle = top + _BAR - 4
        fitting = name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
        drawn.append(
            f'<text x="0" y="{middle}">{escape(fitting)}<title>{escape(name)}</title></text>'
        )
        at = float(_NAME)
        for part in parts:
            width = room * part.amount / longest if longest else 0.0
            if part.amount > 0:
                width = max(width, 2.0)
            drawn.append(_box(at, top, width, _BAR, part.colour, f"{part.name}: {part.written}"))
            at += width
        drawn.append(f'<text x="{at + 8:.1f}" y="{middle}" class="amount">{escape(written)}</text>')
    said = "; ".join(f"{name} {written}" for name, _, written in rows)
    return _svg(title, said, max(len(rows) * _ROW - _ROW + _BAR, 1), drawn)


def histogram(
    title: str, said: str, buckets: Sequence[tuple[float, int]], marks: Sequence[Mark], colour: str
) -> str:
    """Return how many by latency, on a logarithmic axis, with ``marks`` across it.

    ``buckets`` are where each begins in milliseconds, and how many are in it.
    """
    tallest = max((n for _, n in buckets), default=0)
    width = WIDTH / _DECADES / 20
    drawn = []
    for begin, n in buckets:
        height = max(_PLOT * n / tallest, 1.5)
        # What is beyond the axis is drawn at its end.
        left = min(_across(begin), WIDTH - width)
        name = f"{begin:g} ms and more: {n:,}"
        drawn.append(_box(left, 16 + _PLOT - height, width - 1, height, colour, name))
    drawn.append(f'<line x1="0" x2="{WIDTH}" y1="{16 + _PLOT}" y2="{16 + _PLOT}" class="axis"/>')
    drawn.extend(_tick(step) for step in range(_DECADES + 1))
    drawn.extend(_marked(marks))
    return _svg(title, said, _PLOT + 36, drawn)


def _marked(marks: Sequence[Mark]) -> list[str]:
    """Each mark's line and name; the names of two marks stand on the outer sides of them."""
    drawn = []
    first = min((mark.ms for mark in marks), default=0.0)
    for mark in marks:
        x = _across(mark.ms)
        left = (len(marks) > 1 and mark.ms == first) or x > WIDTH * 0.8
        anchor, shift = ("end", -4) if left else ("start", 4)
        drawn.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{16 + _PLOT}" class="mark {mark.colour}"/>'
            f'<text x="{x + shift:.1f}" y="12" text-anchor="{anchor}" class="small">'
            f"{escape(mark.name)}</text>"
        )
    return drawn


def _tick(step: int) -> str:
    ms = _LEAST_MS * 10**step
    name = f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
    anchor = "start" if step == 0 else "end" if step == _DECADES else "middle"
    x = WIDTH * step / _DECADES
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{16 + _PLOT}" y2="{20 + _PLOT}" class="axis"/>'
        f'<text x="{x:.1f}" y="{33 + _PLOT}" text-anchor="{anchor}" class="small">{name}</text>'
    )


def _across(ms: float) -> float:
    """Return where a latency lies on the axis."""
    decades = math.log10(max(ms, _LEAST_MS) / _LEAST_MS)
    return WIDTH * min(decades, _DECADES) / _DECADES


def _box(x: float, y: float, width: float, height: float, colour: str, name: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
        f'class="{colour}"><title>{escape(name)}</title></rect>'
    )


def _svg(title: str, said: str, height: float, drawn: Sequence[str]) -> str:
    """``title`` and ``said`` are what somebody hears who does not see the picture."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>{''.join(drawn)}</svg>"
    )
