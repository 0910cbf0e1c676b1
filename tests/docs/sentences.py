"""Every error sentence that the program can say, read from its source, with … for what varies."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("consumers", "edgeroute", "router", "schemas", "training")
_CARD: Final = ("card.py", "bundle.py")
"""Of training: they return sentences of a model's card."""
_ERRORS: Final = frozenset(
    {
        "BundleError", "EmbeddedError", "EngineError", "Fatal", "FileError", "ReplayError",
        "SettingsError", "StoreError", "TokenizerError", "TrainingError", "Unreachable", "fail",
    }
)  # fmt: skip


def sentences() -> dict[str, Path]:
    """Return each sentence and the file that says it."""
    found: dict[str, Path] = {}
    for package in _PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if package == "training" and file.name in _CARD:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                found.update(dict.fromkeys(_said(node), file.relative_to(ROOT)))
    return found


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _said(node: ast.AST) -> Iterator[str]:
    """What an error is made with, and what a function that words one returns: a whole sentence."""
    if isinstance(node, ast.Call) and _name(node.func) in _ERRORS and node.args:
        text, whole = pattern(node.args[0]), True
    elif isinstance(node, ast.Return):
        text, whole = pattern(node.value), False
    elif isinstance(node, ast.Constant) and "{address}" in str(node.value):
        text, whole = pattern(node).replace("{address}", "…"), True
    else:
        return
    if " " in text.replace("…", "").strip() and (whole or text.endswith(".")):
        yield text


def pattern(value: ast.expr | None) -> str:
    """Return a literal text with … for each hole, and nothing for anything else."""
    if not isinstance(value, ast.Constant | ast.JoinedStr):
        return ""
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    said = (str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    return " ".join("".join(said).split())
