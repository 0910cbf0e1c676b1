"""The command `doctor`: will it run here, and if not, why."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgeroute.options import Config, examples

if TYPE_CHECKING:
    from edgeroute.commands.doctor_checks import Finding

EPILOG: Final = examples(
    "edgeroute doctor",
    "edgeroute doctor --json | jq -r '.findings[] | select(.state == \"FAIL\").said'",
    "EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS=kafka:9092 edgeroute doctor",
)
_COLOURS: Final = {"OK": "green", "WARN": "yellow", "FAIL": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    config: Config = None,
) -> None:
    """Look at everything that has to work: broker, Redis, bundle, clock, machine.

    A line each, with what to do about what is wrong. Ends with 1 where
    something fails, a warning is no failure. Every check has a time limit, and
    no record is written.
    """
    from edgeroute import service
    from edgeroute.commands import doctor_checks
    from edgeroute.settings import load

    settings = load(config)
    service.silence_libraries()
    found = doctor_checks.findings(settings)
    failed = any(one.state == "FAIL" for one in found)
    _print_json(found, failed=failed) if as_json else _print(found)
    if failed:
        raise typer.Exit(1)


def _print(found: "list[Finding]") -> None:
    for one in found:
        state = typer.style(f"{one.state:<11}", fg=_COLOURS.get(one.state), bold=True)
        typer.echo(f"{state}  {one.name:<12}  {one.said}")


def _print_json(found: "list[Finding]", *, failed: bool) -> None:
    import json
    from dataclasses import asdict

    told = {"ok": not failed, "findings": [asdict(one) for one in found]}
    typer.echo(json.dumps(told, indent=2))
