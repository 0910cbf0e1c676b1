"""What the files of commands share: examples in help, the settings file, how an error is said."""

import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

WRONG_USE: Final = 2

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; else $EDGEROUTE_CONFIG or edgeroute.toml."),
]


def examples(*lines: str) -> str:
    """Return an epilog; each line is a paragraph, or Typer would join them."""
    return "\n\n".join(["[bold]Examples[/bold]", *(f"  {line}" for line in lines)])


def needs_file(file: Path) -> None:
    """End with a sentence where there is no such file."""
    if not file.is_file():
        fail(f"There is no file {file}: check the path.", WRONG_USE)


def printable(text: str) -> str:
    """Return a text that anybody may have written without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


def fail(sentence: str, code: int) -> NoReturn:
    """Say what went wrong, and end the program with this exit code."""
    print(f"edgeroute: {sentence}", file=sys.stderr)  # noqa: T201 - errors are said here only
    raise SystemExit(code)
