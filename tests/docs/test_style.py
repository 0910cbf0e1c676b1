"""The words of what people read: docs/style.md, held as far as a list can hold it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"
PACKAGES = ("benchmarks", "consumers", "edgeroute", "router", "schemas", "training")
READ = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))),
]
_, _, LIST = STYLE.read_text().partition("## Phrases that the test refuses")
REFUSED = re.findall(r"`([^`]+)`", LIST)


def test_the_page_lists_phrases() -> None:
    assert len(REFUSED) > 5


@pytest.mark.parametrize("phrase", REFUSED)
def test_nothing_that_people_read_has_a_refused_phrase(phrase: str) -> None:
    pattern = re.compile(rf"\b{re.escape(phrase)}\b".replace("\\ ", r"\s+"))
    found = [
        f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
        for file in READ
        if file != STYLE
        for text in [file.read_text()]
        for match in pattern.finditer(text)
    ]
    assert found == []
