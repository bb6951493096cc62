"""``labkit doctor``: is this machine ready, and if not, what is to be done."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labkit.cli.checks import Check, all_checks
from labkit.words import _

__all__ = ["doctor", "healthy"]


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print one JSON object and nothing else."))
    ] = False,
) -> None:
    """Look whether this machine is ready for the lab, and say what to do where it is not."""
    if as_json:
        checks = list(all_checks())
        report = {"ok": healthy(checks), "checks": [asdict(check) for check in checks]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        checks = _look(Console(highlight=False))
    raise typer.Exit(0 if healthy(checks) else 1)


def healthy(checks: list[Check]) -> bool:
    """Return whether nothing that is required is missing or fails."""
    return all(check.state in ("ok", "optional") for check in checks)


def _look(console: Console) -> list[Check]:
    with console.status(_("Looking around …")):
        checks = list(all_checks())
    console.print(_table(checks))
    if healthy(checks):
        console.print(_("Everything that the lab needs is there."), style="bold")
    else:
        told = _("Something that the lab needs is not there: see the lines above.")
        console.print(told, style="bold")
    return checks


def _table(checks: list[Check]) -> Table:
    table = Table.grid(padding=(0, 2))
    for check in checks:
        # The state is a word: colour is never the only sign.
        word, colour = _states()[check.state]
        table.add_row(Text(word, colour), Text(check.name, "bold"), Text(check.detail))
        if check.remedy:
            table.add_row("", "", Text(f"→ {check.remedy}", "cyan"))
    return table


def _states() -> dict[str, tuple[str, str]]:
    return {
        "ok": (_("ok"), "green"),
        "missing": (_("missing"), "red"),
        "optional": (_("optional"), "yellow"),
        "failed": (_("failed"), "red"),
    }
