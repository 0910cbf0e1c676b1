"""The report's page."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from consumers.totals.aggregate import LIVE, Totals, aggregate
from edgeroute.report.figures import figures
from edgeroute.report.page import page
from router.bundle import load_manifest
from router.economics import Prices
from schemas.decision import Answered, Routed
from tests.consumers.decisions import answered, routed, verdict
from tests.services.bundles import two_tiers
from tests.services.stream import BUNDLE

VOID = {"meta", "br", "hr", "img", "input", "link"}


def of(*decisions: Routed | Answered, run_id: str | None = LIVE, bundle: Any = None) -> str:
    totals = aggregate(decisions).get(LIVE, Totals())
    return page(figures(totals, Prices(), run_id=run_id, bundle=bundle or load_manifest(BUNDLE)))


class Reader(HTMLParser):
    """What a browser would find: the elements, properly closed, and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


SOME: tuple[Routed | Answered, ...] = (
    *[routed()] * 3,
    routed(route="cloud", reason="random_cloud"),
    answered(),
    routed(route="skipped", reason="role_not_scored", verdict=None, price=0.0),
    routed(route="dead_letter", reason="invalid_record", verdict=None, price=0.0),
)


def test_it_loads_nothing_and_runs_nothing() -> None:
    for tag, attributes in Reader(of(*SOME)).elements:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        assert not {"src", "href", "onload", "onclick"} & attributes.keys()


def test_every_picture_says_in_words_what_it_shows() -> None:
    found = Reader(of(*SOME)).elements
    pictures = [attributes for tag, attributes in found if tag == "svg"]
    assert len(pictures) >= 8
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in pictures)
    assert sum(tag == "desc" for tag, _ in found) == len(pictures)


def test_it_shows_the_figures_of_the_run() -> None:
    text = of(*SOME)
    assert "3 (50.0%)" in text
    assert "$0.0176" in text


def test_it_shows_the_claims_and_whether_they_are_met() -> None:
    text = of(*SOME)
    assert "≥ 94.9%" in text
    assert '<span class="no">no</span>' in text
    assert '<span class="yes">yes</span>' in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "a&b", "\x1b[2J\x07"])
def test_a_label_or_a_run_id_is_text_and_nothing_else(name: str) -> None:
    text = of(routed(verdict=verdict(label=name)), answered(label=name), run_id=name)
    assert name not in text
    Reader(text)


def test_a_long_label_leaves_the_bars_their_room() -> None:
    text = of(routed(verdict=verdict(label="very long " * 9)))
    assert f"<title>{'very long ' * 9}</title>" in text
    assert f">{'very long ' * 9}<" not in text.replace("<title>", "")


def test_it_is_readable_in_the_light_and_in_the_dark() -> None:
    assert "prefers-color-scheme: dark" in of(*SOME)


def test_a_run_of_nothing_is_a_page_too() -> None:
    text = of()
    Reader(text)
    assert "No decisions recorded yet" in text


def test_without_a_bundle_it_says_why() -> None:
    text = of(*SOME, bundle="there is no bundle <here>")
    Reader(text)
    assert "there is no bundle &lt;here&gt;" in text


def test_it_is_the_same_for_the_same_figures() -> None:
    assert of(*SOME) == of(*SOME)


def test_latencies_beyond_the_axis_are_drawn_at_its_ends() -> None:
    text = of(routed(inference_ms=0.0, processing_ms=10_000_000.0))
    for tag, attributes in Reader(text).elements:
        if tag == "rect":
            assert 0 <= float(attributes["x"] or "") <= 720


def test_nothing_of_the_page_needs_this_machine() -> None:
    assert str(Path.cwd()) not in of(*SOME)


def test_it_shows_which_tier_answered() -> None:
    text = of(*[routed(verdict=verdict(tier="<reflex>"))] * 3, routed())
    assert "Answers by tier" in text
    assert "&lt;reflex&gt;" in text
    assert "3 (75.0%)" in text


def test_every_tier_of_the_bundle_is_in_the_table(tmp_path: Path) -> None:
    bundle = load_manifest(two_tiers(tmp_path / "two"))
    text = page(figures(Totals(), Prices(), bundle=bundle))
    for tier in ("reflex", "student", "teacher"):
        assert f'<th scope="row">{tier}</th>' in text
