"""``labkit show RUN``: a run in figures, as a table, as JSON or as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["figures_table", "show"]


def show(
    run: Annotated[Path, typer.Argument(help=_("The run’s file."))],
    png: Annotated[
        Path | None, typer.Option("--png", help=_("Draw the overview into this picture."))
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print the figures as JSON, and nothing else."))
    ] = False,
) -> None:
    """Show a recorded run: latency, bitrate, loss, and what the link really did."""
    from labkit.run import load_run

    loaded = load_run(run)
    if png is not None:
        _draw(loaded, png)
    if as_json:
        print(json.dumps(loaded.summary(), ensure_ascii=False))
        return
    _print_text(loaded)
    if png is not None:
        print(_("The picture is in {path}.").format(path=png))


def _draw(run: Run, png: Path) -> None:
    from labkit.plots import plot_overview
    from labkit.run.written import written_whole

    figure, _axes = plot_overview(run)
    with written_whole(png) as (part,):
        figure.savefig(part, format="png")


def _print_text(run: Run) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(repr(run), markup=False)
    if run.altered:
        console.print(_("Careful: this run was changed after it was recorded."), style="bold red")
    console.print(figures_table(run.summary()))


def figures_table(figures: dict[str, Any]) -> Any:
    """Return the figures as a Rich table: name, one column a direction, unit.

    Args:
        figures: What ``Run.summary`` returned.
    """
    from rich.table import Table

    ways = [figures, *([figures["back"]] if "back" in figures else [])]
    table = Table()
    table.add_column(_("figure"))
    for way in ways:
        table.add_column(f"{way['sender']} → {way['receiver']}", justify="right")
    table.add_column(_("unit"))
    for lines in zip(*(_lines(way) for way in ways), strict=True):
        name, _value, unit = lines[0]
        table.add_row(name, *(_number(value) for _name, value, _unit in lines), unit)
    return table


def _lines(way: dict[str, Any]) -> list[tuple[str, Any, str]]:
    ms = _("ms")
    return [
        *_of(_("latency {name}"), way["latency_ms"], ("p5", "p50", "p95", "p99", "mean"), ms),
        (_("latency: frames counted"), way["latency_ms"]["n"], ""),
        *_of(_("budget: {name}"), way["budget_ms"], tuple(way["budget_ms"]), ms),
        *_of(_("frames {name}"), way["frames"], tuple(way["frames"]), ""),
        (_("unreadable pictures"), _percent(way["unreadable_share"]), "%"),
        (_("freezes"), way["freezes"], ""),
        (_("time between pictures, p95"), way["displayed_interval_ms"]["p95"], ms),
        (_("jitter (RFC 3550)"), way["jitter_ms"], ms),
        (_("bitrate"), way["bitrate_kbps"], _("kbit/s")),
        (_("loss asked"), _percent(way["loss_asked"]), "%"),
        (_("loss achieved"), _percent(way["loss_achieved"]), "%"),
        (_("dropped by a full queue"), way["queue_drops"], ""),
        *_of(_("datagrams {name}"), way["datagrams"], ("sent", "delivered", "lost"), ""),
        *_of(_("link’s own error {name}"), way["link_error_ms"], ("p50", "p99"), ms),
        (_("set-up time"), way["setup_ms"], ms),
    ]


def _of(
    text: str, values: dict[str, Any], names: tuple[str, ...], unit: str
) -> list[tuple[str, Any, str]]:
    words = {
        "mean": _("mean"),
        "encode": _("encode"),
        "send": _("send"),
        "network": _("network"),
        "buffer": _("buffer"),
        "decode": _("decode"),
        "other": _("other"),
        "sent": _("sent"),
        "shown": _("shown"),
        "unreadable": _("unreadable"),
        "lost": _("lost"),
        "delivered": _("delivered"),
    }
    return [(text.format(name=words.get(name, name)), values[name], unit) for name in names]


def _percent(share: Any) -> Any:
    return share * 100 if isinstance(share, int | float) else share


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
