"""The pictures of a card: small, the same bytes each time, and drawn for any number of labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl
from PIL import Image

from training.pack import pictures
from training.pack.pictures import Bin, Choice, Reliability, Spot

BINS: Final = [Bin(share, share**2, int(400 * share)) for share in (0.4, 0.6, 0.8, 0.97)]
TIERS: Final = [Reliability(tier, BINS, BINS, 0.07, 0.01) for tier in ("reflex", "student", "big")]
CHOICES: Final = [Choice(share / 50, 0.86 - share / 5_000) for share in range(50)]
SPOTS: Final = [
    Spot("student, INT8", 1.5, 0.85, 0.83, 0.87),
    Spot("system", 0.4, 0.85, 0.83, 0.87, is_system=True),
]


def counts(labels: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    drawn = np.random.default_rng(3).poisson(0.4, (labels, labels))
    drawn[np.arange(labels), np.arange(labels)] += 30
    return drawn.astype(np.int64)


def names(labels: int) -> list[str]:
    return [f"label_{number}_$of$_77 labels" for number in range(labels)]


DRAWN: Final[dict[str, Callable[[Path], None]]] = {
    "reliability": lambda path: pictures.reliability(path, TIERS),
    "kept": lambda path: pictures.kept(path, CHOICES, CHOICES[45], 0.86),
    "cost": lambda path: pictures.cost(path, SPOTS),
    "confusion of 3": lambda path: pictures.confusion(path, names(3), counts(3)),
    "confusion of 10": lambda path: pictures.confusion(path, names(10), counts(10)),
    "confusion of 77": lambda path: pictures.confusion(path, names(77), counts(77)),
}


@pytest.mark.train
@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_small(tmp_path: Path, name: str) -> None:
    DRAWN[name](tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size <= 60_000


@pytest.mark.train
def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        DRAWN["kept"](tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.train
def test_a_picture_tells_nothing_of_when_and_by_what_it_was_made(tmp_path: Path) -> None:
    DRAWN["cost"](tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info.keys() <= {"transparency"}


@pytest.mark.train
def test_the_users_own_style_changes_nothing(tmp_path: Path) -> None:
    DRAWN["cost"](tmp_path / "a.png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        DRAWN["cost"](tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.train
def test_a_label_in_another_script_is_no_fault(tmp_path: Path) -> None:
    pictures.confusion(tmp_path / "a.png", ["退款", "😡"], counts(2))
    assert (tmp_path / "a.png").exists()


@pytest.mark.train
def test_a_network_that_is_never_wrong_is_drawn(tmp_path: Path) -> None:
    pictures.confusion(tmp_path / "a.png", names(12), np.eye(12, dtype=np.int64))
    assert (tmp_path / "a.png").exists()
