"""The pictures of a model card: PNG files of the same bytes whenever the figures are the same."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray
from PIL import Image

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#AA4499"
GREY: Final = "#8A8A8A"
INK: Final = "#222222"
"""Okabe and Ito's colours, which everybody can distinguish; shapes say the same once more."""
_COLOURS: Final = (BLUE, GREEN, ORANGE, PURPLE, GREY)
_SHAPES: Final = ("o", "s", "^", "v", "P")

_WRITTEN: Final = 10
"""The most labels whose cells in a matrix of confusions hold numbers."""
_WORST: Final = 14
"""Confusions that are listed beside a larger matrix."""
_LETTERS: Final = 26
_SHADES: Final = 256
_STYLE: Final[dict[str, Any]] = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold a dollar
    "xtick.color": INK,
    "ytick.color": INK,
}


class Bin(NamedTuple):
    """Messages of similar confidence: its mean, how many are right, and how many there are."""

    confidence: float
    accuracy: float
    messages: int


class Reliability(NamedTuple):
    """A tier's bins before and after its temperature, with the calibration error of each."""

    tier: str
    before: Sequence[Bin]
    after: Sequence[Bin]
    error_before: float
    error_after: float


class Choice(NamedTuple):
    """What one choice of thresholds gives: the share answered at the edge, and the accuracy."""

    share: float
    accuracy: float


class Spot(NamedTuple):
    """A network or a system: milliseconds a message, and its accuracy with its interval."""

    name: str
    milliseconds: float
    accuracy: float
    low: float
    high: float
    is_system: bool = False


def reliability(path: Path, tiers: Sequence[Reliability]) -> None:
    """Draw how often each tier is right at each confidence, a panel a tier."""
    with _figure(path, (3.6 * len(tiers) + 0.4, 4.6)) as figure:
        panels = figure.subplots(1, len(tiers), sharey=True, squeeze=False)[0]
        for panel, tier in zip(panels, tiers, strict=True):
            panel.plot((0, 1), (0, 1), color=GREY, linewidth=1, linestyle=(0, (4, 3)))
            _bins(panel, tier.before, f"before, error {tier.error_before:.3f}", ORANGE, "s")
            _bins(panel, tier.after, f"after, error {tier.error_after:.3f}", BLUE, "o")
            panel.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", title=tier.tier)
            panel.legend(loc="upper left")
            _percent(panel, "xy")
        panels[0].set_ylabel("share that is right")
        _headline(
            figure,
            "Can the confidence be believed? The closer to the dashed line, the better",
            "Each mark is the messages of similar confidence, its area their number; "
            "before and after the temperature",
        )


def kept(path: Path, choices: Sequence[Choice], chosen: Choice, cloud_only: float) -> None:
    """Draw the accuracy that each share at the edge would give."""
    ordered = sorted(choices)
    shares = [choice.share for choice in ordered]
    with _figure(path, (7.2, 4.4)) as figure:
        axes = figure.subplots()
        axes.plot(shares, [choice.accuracy for choice in ordered], color=BLUE, label="the system")
        axes.axhline(
            cloud_only,
            color=ORANGE,
            linewidth=1.2,
            linestyle=":",
            label="cloud only, every message",
        )
        axes.plot(
            chosen.share,
            chosen.accuracy,
            "*",
            color=BLUE,
            markersize=15,
            label=f"chosen: {chosen.share:.1%} at the edge, {chosen.accuracy:.1%} right",
        )
        axes.set(xlabel="share of messages answered at the edge", ylabel="accuracy")
        axes.legend(loc="lower left")
        axes.margins(y=0.12)
        _percent(axes, "xy")
        _headline(
            figure,
            "What it costs in accuracy to answer more at the edge",
            "Every choice of thresholds, on the messages that chose them, audit included",
        )


def confusion(
    path: Path, labels: Sequence[str], counts: NDArray[np.integer], who: str = "the system"
) -> None:
    """Draw what ``who`` answers (columns) for each true label (rows); ``counts`` are messages.

    Up to 10 labels are written out; of more, the matrix is drawn and its worst cells are listed.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    if len(labels) <= _WRITTEN:
        _small_confusion(path, labels, counts, shares, who)
    else:
        _large_confusion(path, labels, counts, shares, who)


def cost(path: Path, spots: Sequence[Spot]) -> None:
    """Draw accuracy against the time of a message, a point each."""
    with _figure(path, (9.2, 4.4)) as figure:
        axes = figure.subplots()
        for number, spot in enumerate(spots):
            colour = INK if spot.is_system else _COLOURS[number % len(_COLOURS)]
            shape = "*" if spot.is_system else _SHAPES[number % len(_SHAPES)]
            axes.errorbar(
                spot.milliseconds,
                spot.accuracy,
                yerr=[[spot.accuracy - spot.low], [spot.high - spot.accuracy]],
                fmt=shape,
                color=colour,
                markersize=15 if spot.is_system else 8,
                elinewidth=1.2,
                capsize=3,
                label=f"{spot.name}: {spot.milliseconds:.3g} ms, {spot.accuracy:.1%}",
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda _, __: ""))
        axes.set(xlabel="milliseconds of inference a message, mean", ylabel="accuracy")
        axes.margins(x=0.12, y=0.15)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), borderaxespad=0.5)
        _percent(axes, "y")
        _headline(
            figure,
            "What a right answer costs: upper left is better",
            "Each network alone, and the system, which asks them in turn; bars are 95 % intervals",
        )


def _bins(axes: Axes, bins: Sequence[Bin], label: str, colour: str, shape: str) -> None:
    filled = [entry for entry in bins if entry.messages]
    most = max((entry.messages for entry in filled), default=1)
    across = [entry.confidence for entry in filled]
    up = [entry.accuracy for entry in filled]
    axes.plot(across, up, color=colour, linewidth=1.3, marker=shape, markersize=4, label=label)
    areas = [20 + 260 * entry.messages / most for entry in filled]
    axes.scatter(across, up, s=areas, color=colour, marker=shape, alpha=0.28, linewidths=0)


def _small_confusion(
    path: Path,
    labels: Sequence[str],
    counts: NDArray[np.integer],
    shares: NDArray[np.floating],
    who: str,
) -> None:
    cells = len(labels) * (1.05 if len(labels) <= 5 else 0.62)
    letters = max(len(_short(label)) for label in labels)
    with _figure(path, (cells + 0.9 + 0.08 * letters, cells + 1.5)) as figure:
        axes = figure.subplots()
        _heat(axes, shares)
        names = [_short(label) for label in labels]
        places = range(len(labels))
        slanted = len(labels) > 5
        axes.set_xticks(
            places, names, rotation=40 if slanted else 0, ha="right" if slanted else "center"
        )
        axes.set_yticks(places, names)
        for row in places:
            for column in places:
                if not counts[row, column]:
                    continue
                share = float(shares[row, column])
                axes.text(
                    column,
                    row,
                    f"{share:.0%}\n{counts[row, column]:,}",
                    ha="center",
                    va="center",
                    fontsize=8.5,
                    color="white" if share > 0.55 else INK,
                )
        axes.set(xlabel=f"answer of {who}", ylabel="label of the data")
        _headline(
            figure,
            "What is taken for what",
            "Share of each row, and messages",
        )


def _large_confusion(
    path: Path,
    labels: Sequence[str],
    counts: NDArray[np.integer],
    shares: NDArray[np.floating],
    who: str,
) -> None:
    with _figure(path, (9.6, 5.0)) as figure:
        axes, aside = figure.subplots(1, 2, width_ratios=(1.0, 1.05))
        _heat(axes, shares)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set(
            xlabel=f"answer of {who}, {len(labels)} labels by name",
            ylabel="label of the data, in the same order",
        )
        aside.axis("off")
        lines = [
            f"{count:>4,}  {_short(labels[true])} → {_short(labels[said])}"
            for count, true, said in _worst(counts)
        ]
        aside.set_title("taken for another most often, in messages", fontsize=9.5)
        aside.text(0, 0.97, "\n".join(lines) or "none", va="top", linespacing=1.65, fontsize=8.5)
        _headline(
            figure,
            "What is taken for what",
            "Share of each row, dark is more; the diagonal is right",
        )


def _heat(axes: Axes, shares: NDArray[np.floating]) -> None:
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="equal")
    axes.grid(visible=False)


def _worst(counts: NDArray[np.integer]) -> list[tuple[int, int, int]]:
    """Return the largest cells off the diagonal: messages, row, column."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_WORST]
    rows, columns = np.unravel_index(order, wrong.shape)
    cells = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(int(wrong[row, column]), row, column) for row, column in cells if wrong[row, column]]


def _short(label: str) -> str:
    return label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"


def _percent(axes: Axes, which: str) -> None:
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if name in which:
            axis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def _headline(figure: Figure, title: str, below: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    figure.text(0.01, 0.01, below, ha="left", va="bottom", fontsize=8.5, color="#555555")


@contextmanager
def _figure(path: Path, inches: tuple[float, float]) -> Iterator[Figure]:
    """Give a figure of our own style, whatever the user's is, and write it at the end."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams  # typed by a list of all its names
        settings.update(_STYLE)
        # A sign that the font lacks is drawn as a box, which is no reason for a warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        layout = ConstrainedLayoutEngine(rect=(0, 0.05, 1, 0.95))
        figure = Figure(figsize=inches, layout=layout)
        yield figure
        drawn = BytesIO()
        figure.savefig(drawn, format="png")
    # Few colours make a small file. What is written here carries neither a version nor a date.
    image = Image.open(drawn).convert("RGB")
    image.quantize(_SHADES, dither=Image.Dither.NONE).save(path, format="png", optimize=True)
