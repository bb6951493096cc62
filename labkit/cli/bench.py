"""``labkit bench``: the lab measured against others and against its own promises."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.bench.row import Row
from labkit.errors import BadValue
from labkit.words import _

__all__ = ["bench"]


def bench(
    only: Annotated[
        list[str] | None, typer.Option(help=_("Measure this row alone; may be repeated."))
    ] = None,
    seconds: Annotated[float, typer.Option(help=_("Length of each measurement."))] = 10.0,
    out: Annotated[
        Path | None,
        typer.Option(
            help=_(
                "Write the table to this file, as Markdown, row by row; rows that were not "
                "measured stay as they are."
            )
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print the rows as JSON, and nothing else."))
    ] = False,
) -> None:
    """Measure both sides of every comparison in one run, and print a table."""
    from labkit.bench.all import ORDER, run_rows
    from labkit.bench.kept import Kept, keep
    from labkit.bench.table import about_machine, markdown, rich_table
    from labkit.cli.project import project_folder

    if out is not None and not out.parent.is_dir():
        raise BadValue(
            _("There is no folder {folder}.").format(folder=out.parent),
            next_step=_("Make it first, or choose another one with --out."),
        )
    machines: list[dict[str, Any]] = []  # before each row

    def on_row(key: str) -> None:
        machines.append(about_machine())
        print(_("Measuring “{key}” …").format(key=key), file=sys.stderr)

    def on_result(row: Row) -> None:
        print(f"{row.measured}: {row.note}" if row.met is None else row.measured, file=sys.stderr)
        if out is not None:
            kept = keep(out, Kept(row, machines[-1], seconds), ORDER)
            out.write_text(markdown(kept), encoding="utf-8")

    rows = asyncio.run(run_rows(only or [], seconds, project_folder(), on_row, on_result))
    if as_json:
        rows_json = [row.to_dict() for row in rows]
        print(json.dumps({"machine": machines[0], "rows": rows_json}, ensure_ascii=False, indent=2))
    else:
        from rich import print as rich_print

        rich_print(rich_table(rows))
    if any(row.measured == "failed" for row in rows):
        raise typer.Exit(1)
