"""The documentation, held against the program: what it names exists, and what exists it names."""

import re
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel, SecretStr

from edgeroute.cli import RecordName, app
from edgeroute.settings import Settings
from schemas.codec import RECORDS, json_schema
from tests.docs.sentences import sentences

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SECTIONS = [name for name in Settings.model_fields if name != "bundle"]
OPERATIONS = ROOT / "docs" / "operations.md"
TROUBLE = ROOT / "docs" / "troubleshooting.md"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_in(page: Path) -> list[str]:
    """Every line of a code block, and every piece of code in a sentence."""
    text = page.read_text()
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^ {4}(.*)$", text, re.MULTILINE)
    plain = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", plain)]
    return [*(line for block in blocks for line in block.splitlines()), *indented, *spans]


def settings_and_defaults() -> Iterator[tuple[str, Any]]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            for key, value in field.default:
                yield f"{name}.{key}", value
        else:
            yield name, field.default


def commands() -> dict[tuple[str, ...], set[str]]:
    """Every command's words, and its options."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        found[words] = {opt for param in command.params for opt in param.opts if opt[0] == "-"}
        found[words].add("--help")
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


def invocations(page: Path) -> Iterator[str]:
    for line in code_in(page):
        for found in re.finditer(r"(?:^|[ /])edgeroute ((?:[a-z-]|--)[^|#`]*)", line):
            yield found.group(1).strip()


def settings_in(page: Path) -> list[str]:
    dotted = re.compile(rf"(?:{'|'.join(SECTIONS)})\.[a-z_]+")
    return [
        code
        for code in code_in(page)
        if dotted.fullmatch(code)
        and not (page.parent / code).suffix.startswith((".py", ".onnx", ".jsonl"))
    ]


def files_in(page: Path) -> list[str]:
    folders = r"(docs|models|tests|consumers|router|schemas|edgeroute|training)/[\w/.-]+"
    return [code for code in code_in(page) if re.fullmatch(folders, code)]


def targets_in(page: Path) -> list[str]:
    found = (re.match(r"make ([a-z-]+)", code) for code in code_in(page))
    return [target[1] for target in found if target]


@pytest.mark.parametrize(
    ("find", "least"), [(invocations, 80), (settings_in, 100), (files_in, 20), (targets_in, 10)]
)
def test_what_the_pages_are_searched_for_is_found(
    find: Callable[[Path], Iterable[str]], least: int
) -> None:
    assert len([found for page in PAGES for found in find(page)]) >= least


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_exists(page: Path) -> None:
    known = commands()
    for invocation in invocations(page):
        words = invocation.split()
        path = max((p for p in known if tuple(words[: len(p)]) == p), key=len)
        assert path or words[0].startswith("-"), f"no command: edgeroute {invocation}"
        options = {word.split("=")[0] for word in words if word.startswith("-")}
        assert options <= known[path], f"no such option: edgeroute {invocation}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_exists(page: Path) -> None:
    known = {name for name, _ in settings_and_defaults()}
    for code in settings_in(page):
        assert code in known, f"no setting {code}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_variable_exists(page: Path) -> None:
    known = {
        "EDGEROUTE_" + name.replace(".", "__").upper() for name, _ in settings_and_defaults()
    } | {"EDGEROUTE_CONFIG", "EDGEROUTE_REQUIRE_EXACTLY_ONCE"}
    named_here = set(re.findall(r"EDGEROUTE_[A-Z_]+[A-Z]", page.read_text()))
    assert named_here <= known


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|([^|]*)\|", OPERATIONS.read_text(), re.MULTILINE)
    table = {name: default.strip(" `") for name, default in rows}
    assert table == {name: shown(value) for name, value in settings_and_defaults()}


def shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in targets_in(page):
        assert target in targets, f"no target: make {target}"


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme


def test_the_command_line_knows_every_record_type() -> None:
    assert {name.value for name in RecordName} == set(RECORDS)


def test_every_field_that_the_examples_show_exists() -> None:
    text = (ROOT / "docs" / "records.md").read_text()
    shown_keys = set(
        re.findall(r'"([a-z_]+)":', "".join(re.findall(r"```json(.*?)```", text, re.S)))
    )
    known: set[str] = set()
    for kind in RECORDS.values():
        schema = typing.cast("dict[str, Any]", json_schema(kind))
        for model in (schema, *schema.get("$defs", {}).values()):
            known |= set(model.get("properties", {}))
    assert shown_keys - {"queue"} <= known


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_named_in_code_exists(page: Path) -> None:
    for code in files_in(page):
        assert (ROOT / code).exists() or (ROOT / f"{code}.py").exists(), f"no file {code}"


@pytest.mark.parametrize("sentence", sentences())
def test_every_error_sentence_is_explained(sentence: str) -> None:
    assert f"| {sentence} |" in TROUBLE.read_text()


def test_no_sentence_is_explained_that_nobody_says() -> None:
    _, _, tables = TROUBLE.read_text().partition("## Every sentence")
    rows = re.findall(r"^\| (.*?) \|", tables, re.MULTILINE)
    assert set(rows) - {"it says"} <= set(sentences())
