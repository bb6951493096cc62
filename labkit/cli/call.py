"""``labkit call``: one measured call on this machine, from the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labkit.errors import BadValue, LabError
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.calls import Call
    from labkit.run import Run

__all__ = ["call"]


class Codec(StrEnum):
    """Video codecs, the default first."""

    vp8 = "vp8"
    h264 = "h264"


class Buffer(StrEnum):
    """Jitter buffers, the default first."""

    marker = "marker"
    stock = "stock"


class Loss(StrEnum):
    """Loss models, the default first."""

    iid = "iid"
    burst = "burst"
    exact = "exact"


def call(
    seconds: Annotated[float, typer.Option(help=_("How long, from the first frame on."))] = 10.0,
    codec: Annotated[Codec, typer.Option(help=_("Video codec."))] = Codec.vp8,
    size: Annotated[str, typer.Option(help=_("Width x height in pixels."))] = "640x480",
    fps: Annotated[int, typer.Option(help=_("Pictures a second."))] = 30,
    source: Annotated[str, typer.Option(help=_("“pattern”, or a media file."))] = "pattern",
    two_way: Annotated[bool, typer.Option("--two-way", help=_("Send video both ways."))] = False,
    jitter_buffer: Annotated[
        Buffer, typer.Option(help=_("When a frame is complete."))
    ] = Buffer.marker,
    delay_ms: Annotated[float, typer.Option(help=_("Delay of each direction."))] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help=_("Standard deviation of the delay."))] = 0.0,
    loss: Annotated[float, typer.Option(help=_("Share of datagrams lost, 0 to 1."))] = 0.0,
    loss_model: Annotated[
        Loss, typer.Option(help=_("How losses fall; exact works in blocks of 100."))
    ] = Loss.iid,
    rate_kbps: Annotated[
        float, typer.Option(help=_("Rate of each direction; 0 is unlimited."))
    ] = 0.0,
    queue_bytes: Annotated[
        int, typer.Option(help=_("Queue before the rate limit, in bytes."))
    ] = 30_000,
    seed: Annotated[int, typer.Option(help=_("Seed of all that is random."))] = 1,
    out: Annotated[Path | None, typer.Option(help=_("Keep the run in this file."))] = None,
    force: Annotated[
        bool, typer.Option("--force", help=_("Replace a file that is there."))
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print one JSON object, alone."))
    ] = False,
) -> None:
    """Call yourself over a link that you bend, and see what was measured."""
    from labkit.experiments import call as make_call
    from labkit.experiments.kept import kept
    from labkit.net import Link

    link = Link(
        delay_ms=delay_ms,
        jitter_ms=jitter_ms,
        loss=loss,
        loss_model=loss_model.value,
        rate_kbps=None if rate_kbps == 0 else rate_kbps,
        queue_bytes=queue_bytes,
    )
    video = _source(source, size, fps)
    made = make_call(
        video=video,
        back_video=video if two_way else None,
        link=link,
        codec=codec.value,
        jitter_buffer=jitter_buffer.value,
        seed=seed,
    )
    before = kept.data
    try:
        run = asyncio.run(_record(made, seconds, out, force, quiet=as_json))
    except LabError as error:
        if kept.data is before:
            raise
        hint = _("With --out FILE what is recorded until then is kept.")
        raise type(error)(error.what, error.why, hint) from None
    if as_json:
        json.dump(run.summary(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from rich import print as rich_print

        from labkit.cli.show import figures_table

        rich_print(figures_table(run.summary()))


async def _record(made: Call, seconds: float, out: Path | None, force: bool, *, quiet: bool) -> Run:
    if quiet:
        return await made.record(seconds, out, force=force, progress=False)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task: Any = bar.add_task(_("Recording"), total=1.0)
        return await made.record(
            seconds, out, force=force, progress=lambda share: bar.update(task, completed=share)
        )


def _source(source: str, size: str, fps: int) -> Any:
    from labkit.media import MediaFile, TestPattern

    width, height = _size(size)
    if source == "pattern":
        return TestPattern(width, height, fps=fps)
    return MediaFile(source, width, height, fps=fps)


def _size(size: str) -> tuple[int, int]:
    width, _x, height = size.lower().partition("x")
    if width.isdecimal() and height.isdecimal():
        return int(width), int(height)
    raise BadValue(
        _("--size {size} is no picture size.").format(size=size),
        next_step=_("Use width x height, for instance 640x480."),
    )
