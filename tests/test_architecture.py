"""Rules about the code itself that no linter knows."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ("router", "schemas")
PRODUCT = ("consumers", "edgeroute", "router", "schemas", "training")
CLOCKS = {"now", "utcnow", "today"}


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def attributes(path: Path) -> Iterator[tuple[str, str]]:
    """Every ``name.attribute`` in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_follow_the_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", files(*PURE), ids=named)
def test_a_pure_module_asks_no_clock(path: Path) -> None:
    asked = [f"{name}.{attr}" for name, attr in attributes(path) if attr in CLOCKS]
    assert not asked


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        named(path)
        for path in files(*PRODUCT)
        if any(pair in {("os", "environ"), ("os", "getenv")} for pair in attributes(path))
    }
    assert readers <= {"edgeroute/settings.py"}


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        named(path): lines
        for path in files(*PRODUCT, "tests", "benchmarks", "scripts")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long
