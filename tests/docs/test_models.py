"""The page about models, held against the configuration of a training run."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from training.config import Source, TrainConfig
from training.steps import NAMES

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "docs" / "models.md"
CONFIGS = sorted((ROOT / "configs").glob("*.toml"))


def settings(kind: type[BaseModel] = TrainConfig, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its default; those of a source once, under data.labelled."""
    for name, field in kind.model_fields.items():
        path = f"{before}{name}"
        inner = [one for one in _types(field.annotation) if issubclass(one, BaseModel)]
        if path.startswith("data.") and Source in inner and name != "labelled":
            yield path, None
        elif inner:
            yield from settings(inner[0], f"{path}.")
        else:
            yield path, None if field.is_required() else field.default


def _types(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _types(argument)


def shown(value: object) -> str:
    if value is None or value in ("", {}):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_table_has_every_setting_of_a_run_with_its_default() -> None:
    _, _, table = MODELS.read_text().partition("## Every setting of a run")
    rows = re.findall(r"^\| `([a-z_0-9.]+)` \|([^|]*)\|", table.split("\n## ")[0], re.MULTILINE)
    assert {name: default.strip(" `") for name, default in rows} == {
        name: shown(value) for name, value in settings()
    }


def test_the_steps_are_told_in_their_order() -> None:
    _, _, section = MODELS.read_text().partition("### The steps")
    told = re.findall(r"^\| `([a-z]+)` \|", section.split("\n## ")[0], re.MULTILINE)
    assert told == list(NAMES)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_every_configuration_here_can_be_read_and_names_a_licence(file: Path) -> None:
    config = TrainConfig.load(file)
    assert config.name == file.stem
    assert config.licence != TrainConfig().licence
    assert config.purpose
