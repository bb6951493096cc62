"""``labkit codecs``: the same clip at the same rates through several codecs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labkit.cli.call import _size
from labkit.errors import BadValue
from labkit.words import _

if TYPE_CHECKING:
    from labkit.codecs.clip import Clip
    from labkit.codecs.compare import Comparison

__all__ = ["codecs"]


def codecs(
    clip: Annotated[
        Path | None, typer.Option(help=_("A media file; the test pattern without it."))
    ] = None,
    codecs: Annotated[
        str, typer.Option(help=_("Names with commas between them."))
    ] = "vp8,h264,vp9,h265,av1",
    rates: Annotated[
        str, typer.Option(help=_("Asked rates in kbit/s, with commas between them."))
    ] = "150,300,600,1200",
    size: Annotated[str, typer.Option(help=_("Width x height in pixels."))] = "640x360",
    fps: Annotated[int, typer.Option(help=_("Pictures a second."))] = 30,
    seconds: Annotated[
        float, typer.Option(help=_("How much of the clip; never more than there is."))
    ] = 4.0,
    png: Annotated[
        Path | None, typer.Option("--png", help=_("Draw quality over rate into this picture."))
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print one JSON object, alone."))
    ] = False,
) -> None:
    """Compare video codecs: quality, rate and time of the same clip."""
    width, height = _size(size)
    asked = _rates(rates)
    names = [name.strip().lower() for name in codecs.split(",") if name.strip()]
    pictures = _read(clip, width, height, fps, seconds)
    compared = _compare(pictures, names, asked, quiet=as_json)
    if png is not None:
        _draw(compared, png)
    if as_json:
        print(json.dumps(compared.to_dict(), ensure_ascii=False, indent=2))
    else:
        _print_text(compared)
    if compared.failed:
        raise typer.Exit(1)


def _rates(rates: str) -> list[float]:
    try:
        return [float(rate) for rate in rates.split(",") if rate.strip()]
    except ValueError as error:
        raise BadValue(
            _("--rates {rates} are no rates.").format(rates=rates),
            next_step=_("Use numbers with commas between them, for instance 150,300,600,1200."),
        ) from error


def _read(clip: Path | None, width: int, height: int, fps: int, seconds: float) -> Clip:
    from labkit.codecs import read_clip
    from labkit.media import MediaFile, TestPattern

    if clip is None:
        return read_clip(TestPattern(width, height, fps), seconds)
    return read_clip(MediaFile(clip, width, height, fps), seconds)


def _compare(clip: Clip, names: list[str], rates: list[float], *, quiet: bool) -> Comparison:
    from labkit.codecs import compare_video

    if quiet:
        return compare_video(clip, names, rates)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task: Any = bar.add_task(_("Encoding"), total=None)

        def on_result(_row: dict[str, Any], done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return compare_video(clip, names, rates, on_result=on_result)


def _draw(compared: Comparison, png: Path) -> None:
    from labkit.plots import plot_rate_distortion
    from labkit.run.written import written_whole

    figure, _axes = plot_rate_distortion(compared.summary)
    with written_whole(png) as (part,):
        figure.savefig(part, format="png")


def _print_text(compared: Comparison) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(compared.about, markup=False)
    console.print(_table(compared))
    console.print(
        _("BD-rate: rate for the same PSNR against H.264, piecewise cubic; negative is better.")
    )
    for name, why in compared.missing.items():
        console.print(f"{name}: {why}", markup=False)
    for (name, rate), why in compared.failed.items():
        console.print(
            _("{name} at {rate:g} kbit/s failed: {why}").format(name=name, rate=rate, why=why),
            markup=False,
        )


def _table(compared: Comparison) -> Any:
    from rich.table import Table

    table = Table(caption=_("Rates in kbit/s, PSNR in dB, times in ms a frame on one thread."))
    table.add_column(_("codec"))
    for column in (
        _("asked"),
        _("achieved"),
        _("PSNR"),
        _("SSIM"),
        _("encode"),
        _("decode"),
        _("keys"),
        _("BD-rate"),
    ):
        table.add_column(column, justify="right")
    percent = compared.bd_rate()
    before = None
    for row in compared.summary.to_dict("records"):
        first, before = row["codec"] != before, row["codec"]
        table.add_row(*_cells(row), _number(percent[row["codec"]], "+.1f", " %") if first else "")
    return table


def _cells(row: dict[Any, Any]) -> list[str]:
    return [
        row["codec"],
        _number(row["asked_kbps"], "g"),
        _number(row["achieved_kbps"], ".0f"),
        _number(row["psnr_db"], ".2f"),
        _number(row["ssim"], ".4f"),
        _number(row["encode_ms"], ".2f"),
        _number(row["decode_ms"], ".2f"),
        str(row["key_frames"]),
    ]


def _number(value: float, form: str, unit: str = "") -> str:
    return "–" if math.isnan(value) else format(value, form) + unit
