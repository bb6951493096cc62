"""``labkit export RUN``: a run's tables as CSV, its packets as pcapng."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help=_("The run’s file."))],
    csv: Annotated[
        Path | None, typer.Option("--csv", help=_("Folder for one CSV file a table."))
    ] = None,
    pcapng: Annotated[
        Path | None, typer.Option("--pcapng", help=_("File for the packets, for Wireshark."))
    ] = None,
) -> None:
    """Write a recorded run in formats that other programs read."""
    if csv is None and pcapng is None:
        raise BadValue(
            _("Nothing was exported."),
            _("No format was named."),
            _("Add --csv FOLDER, --pcapng FILE, or both."),
        )
    from labkit.run import load_run

    loaded = load_run(run)
    if csv is not None:
        print(_("The tables are in {path}.").format(path=loaded.to_csv(csv)))
    if pcapng is not None:
        print(_("The packets are in {path}.").format(path=loaded.to_pcapng(pcapng)))
