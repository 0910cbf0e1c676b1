"""The commands that make a bundle: the whole run, and each of its steps."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from edgeroute.options import examples, fail, needs_file
from training.run_folder import CHECKPOINT, DONE, STARTED
from training.steps import STEPS, Step

if TYPE_CHECKING:
    from training.config import TrainConfig

EPILOG: Final = examples(
    "edgeroute train --data messages.csv --label-column sentiment --out models/ours",
    "edgeroute train configs/starter.toml",
    "edgeroute train configs/starter.toml        again: goes on where it was stopped",
    "edgeroute step distil configs/starter.toml  one step alone",
    "EDGEROUTE_BUNDLE=models/ours edgeroute demo",
)
RUNS: Final = Path("runs")
WRONG_USE: Final = 2

File = Annotated[
    Path | None, typer.Argument(help="A TOML file: docs/models.md.", show_default=False)
]
Run = Annotated[
    Path | None,
    typer.Option("--run", help="The run's folder; else runs/ and the configuration's name."),
]
Data = Annotated[
    Path | None, typer.Option(help="Labelled CSV, JSONL or Parquet, .gz allowed, as the data.")
]
Unlabelled = Annotated[Path | None, typer.Option(help="More messages, without labels.")]
TextColumn = Annotated[str | None, typer.Option(help="Where the messages are.")]
LabelColumn = Annotated[str | None, typer.Option(help="Where the labels are.")]
GroupColumn = Annotated[
    str | None, typer.Option(help="The author or conversation: never in two parts of the data.")
]
Base = Annotated[
    str | None, typer.Option(help="Encoder by hub name or folder; else the packaged one.")
]
Framework = Annotated[
    Literal["torch", "tensorflow"] | None, typer.Option(help="What teaches the classifier.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Of everything drawn at random.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]

steps: Final = typer.Typer(
    no_args_is_help=True,
    help="One step of a training run; those before it must be done. In their order:",
    epilog=examples("edgeroute step prepare configs/starter.toml"),
)


def train(  # noqa: PLR0913, PLR0917 - one option each
    config: File = None,
    run: Run = None,
    out: Annotated[
        Path | None, typer.Option(help="Copy the bundle to this folder too; new or empty.")
    ] = None,
    data: Data = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    unlabelled: Unlabelled = None,
    base: Base = None,
    framework: Framework = None,
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:
    """Make a bundle from labelled messages: every step that is not done yet.

    Give a configuration, a file of messages, or both. Stopped at any moment, the
    same command goes on. Needs the train extra, and a base encoder.
    """
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        fail(f"{out} is not empty; name a new folder for the bundle.", 1)
    given = _configuration(config)
    columns = (text_column, label_column, group_column)
    if data is not None:
        given = _with_data(given, data, columns, unlabelled)
    elif any((*columns, unlabelled)):
        fail("The columns and --unlabelled belong to --data; give it too.", WRONG_USE)
    if not given.data.labelled:
        fail("There is nothing to learn from: give a configuration, or --data FILE.", WRONG_USE)
    given = _with(given, base, framework, seed)
    folder = run or RUNS / given.name
    made = _carry_out(given, folder, None, quiet)
    if out is not None:
        own = shutil.ignore_patterns(CHECKPOINT, DONE, STARTED)
        shutil.copytree(made, out, ignore=own, dirs_exist_ok=True)
        made = out
    typer.echo(f"{made}: a bundle; its README.md says how good it is")


def _step(step: Step) -> Callable[..., None]:
    def command(
        config: Annotated[Path, typer.Argument(help="A TOML file.", show_default=False)],
        run: Run = None,
        quiet: Quiet = False,
    ) -> None:
        given = _configuration(config)
        _carry_out(given, run or RUNS / given.name, step.name, quiet)

    return command


for _one in STEPS:
    steps.command(
        _one.name,
        help=f"{_one.does[0].upper()}{_one.does[1:]}.",
        epilog=examples(f"edgeroute step {_one.name} configs/starter.toml"),
    )(_step(_one))


def _configuration(path: Path | None) -> "TrainConfig":
    from training.config import TrainConfig

    if path is None:
        return TrainConfig()
    needs_file(path)
    return TrainConfig.load(path)


def _with_data(
    config: "TrainConfig",
    data: Path,
    columns: tuple[str | None, str | None, str | None],
    unlabelled: Path | None,
) -> "TrainConfig":
    """Return the configuration with one labelled file as its only labelled data."""
    from training.config import Source

    text, label, group = columns
    for file in (data, unlabelled):
        if file is not None:
            needs_file(file)
    source = Source(path=data, text=text or "text", label=label or "label", group=group)
    more = () if unlabelled is None else (Source(path=unlabelled, text=text or "text"),)
    changed = config.data.model_copy(
        update={"labelled": (source,), "held_out": (), "test": (), "unlabelled": more}
    )
    return config.model_copy(update={"data": changed})


def _with(
    config: "TrainConfig", base: str | None, framework: str | None, seed: int | None
) -> "TrainConfig":
    changes: dict[str, Any] = {}
    if base is not None:
        changes["base"] = base
    if framework is not None:
        changes["teach"] = config.teach.model_copy(update={"framework": framework})
    if seed is not None:
        changes["seed"] = seed
    return config.model_copy(update=changes)


def _carry_out(config: "TrainConfig", run: Path, only: str | None, quiet: bool) -> Path:
    from training.pipeline import train as carry_out

    def show(name: str, seconds: float | None, metrics: dict[str, Any]) -> None:
        took = "done before" if seconds is None else f"{seconds:,.0f} s"
        said = metrics.get("said")
        typer.echo(f"{name}: {took}" + (f"; {said}" if said else ""))

    return carry_out(config, run, only=only, quiet=quiet, told=show)
