"""What a run found, as a table. Positions, never text."""

from rich.console import Console
from rich.table import Table

from tests.chaos.moments import firsts, shown
from tests.chaos.recount import Position, records
from tests.chaos.run import Options, Outcome

_SHOWN = 10


def show(outcome: Outcome, options: Options, console: Console | None = None) -> None:
    """Print the faults, the counts, the laws and, where something is wrong, what."""
    console = console or Console()
    recount = outcome.recount
    faults = ", ".join(f"{n} {kind}" for kind, n in sorted(outcome.faults.items()))
    console.print(f"faults: {outcome.faults.total()} ({faults})")
    for name, count in _counts(outcome).items():
        console.print(f"{name}: {count}")
    rate = len(recount.inputs) / outcome.seconds
    console.print(f"time: {outcome.seconds:.0f} s, {rate:.0f} inputs/s with all faults and the end")
    table = Table("exactly one", "expected", "lost", "doubled")
    for check in outcome.checks:
        table.add_row(check.name, *map(str, (check.expected, len(check.lost), len(check.doubled))))
    console.print(table)
    scopes = "equal to" if not outcome.unequal else "NOT equal to"
    console.print(f"totals in Redis: {scopes} a recount of {len(recount.decisions)} decisions")
    for sentence in complaints(outcome):
        console.print(sentence, style="red", markup=False, soft_wrap=True)
    if outcome.ok:
        console.print("lost 0, doubled 0, totals equal", style="green")
    else:
        console.print(
            f"FAILED: lost {outcome.lost}, doubled {outcome.doubled}; repeat with "
            f"{options.repeat}; logs: {options.folder}",
            style="red",
            soft_wrap=True,
        )


def complaints(outcome: Outcome) -> list[str]:
    """Return everything that is wrong, one line each; first since when."""
    lines = firsts(outcome.checks, outcome.happened)
    for check in outcome.checks:
        for what, places in (("lost", check.lost), ("doubled", check.doubled)):
            if places:
                lines.append(f"{what}: {check.name}: {_places(places)}")
    if outcome.recount.disordered:
        lines.append(f"out of order in decisions: {_places(outcome.recount.disordered)}")
    return [*lines, *outcome.unequal, *outcome.strange]


def _counts(outcome: Outcome) -> dict[str, int]:
    recount = outcome.recount
    return {
        "inputs": len(recount.inputs),
        "  scored": len(recount.sort("scored")),
        "  skipped": len(recount.sort("skipped")),
        "  malformed": len(recount.sort("malformed")),
        "routed": records(recount.routed),
        "finals": records(recount.finals),
        "provisional": records(recount.provisionals),
        "escalations": len(recount.escalations),
        "answered": records(recount.answered),
        "dead letters": records(recount.dead_letters),
        "decisions in aborted transactions": outcome.aborted,
        "instances that gave up while the broker was away": outcome.gave_up,
        "the broker forgot or misremembered a position": outcome.misremembered.total(),
        "  it said none": outcome.misremembered["none"],
        "  it said another": outcome.misremembered["another"],
        "transactions that the broker left without a marker": outcome.unmarked,
    }


def _places(places: list[Position]) -> str:
    some = ", ".join(map(shown, places[:_SHOWN]))
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return some + more
