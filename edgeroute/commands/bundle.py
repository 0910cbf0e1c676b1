"""The commands `bundle show`, `verify` and `diff`: what is in a bundle, and what sets two apart."""

from pathlib import Path
from typing import Annotated, Final

import typer

from edgeroute.options import examples

DIFFERENT: Final = 1

Folder = Annotated[Path, typer.Argument(help="The bundle's folder.", show_default=False)]

app = typer.Typer(no_args_is_help=True, help="Look at a model bundle, or at what sets two apart.")


@app.command(
    "show",
    epilog=examples(
        "edgeroute bundle show models/starter",
        "edgeroute bundle show models/starter --json | jq .measured.system",
    ),
)
def show(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest, for machines.")] = False,
) -> None:
    """Print what a bundle's manifest says of it.

    Labels, tiers with their thresholds, what was measured, and the data. The
    files themselves are not looked at: bundle verify does that.
    """
    from router.bundle import load_manifest

    manifest = load_manifest(folder)
    if as_json:
        typer.echo(manifest.model_dump_json(indent=2))
        return
    from rich.console import Console

    from edgeroute.report import bundles

    bundles.show(manifest, Console())


@app.command("verify", epilog=examples("edgeroute bundle verify models/starter"))
def verify(folder: Folder) -> None:
    """Check every file of a bundle against its manifest and load every model."""
    from router.bundle import load_bundle

    bundle = load_bundle(folder)
    bundle.check()
    typer.echo(f"{bundle.manifest.bundle_version}: complete and unaltered")


@app.command("diff", epilog=examples("edgeroute bundle diff models/starter models/ours"))
def diff(
    one: Annotated[Path, typer.Argument(metavar="A", help="A bundle.", show_default=False)],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another.", show_default=False)],
) -> None:
    """Print what sets two bundles apart, and whether they can decide differently.

    Ends with 0 where both decide the same about every message, with 1 where
    they can differ, and with 2 where one of them cannot be read.
    """
    from rich.console import Console

    from edgeroute.report import bundles
    from router.bundle import load_bundle

    if bundles.compare(load_bundle(one), load_bundle(other), Console()):
        raise typer.Exit(DIFFERENT)
