"""Rows about codecs: how long the whole comparison takes, and how exact its delays are."""

from __future__ import annotations

import asyncio
import io
from time import perf_counter
from typing import Any

from labkit.bench.row import Row

__all__ = ["chirp_delay", "whole_comparison"]

REACH_S, FIRST_S = 45.0, 5.0

DELAYS = {
    ("opus", 6): (26.5, 0.5),
    ("opus", 32): (26.5, 0.5),
    ("opus", 96): (26.5, 0.5),
    ("pcmu", None): (20.0, 1000 / 8000),
    ("pcma", None): (20.0, 1000 / 8000),
    ("g722", None): (20 + 22 / 16, 1000 / 16000),
}
"""Algorithmic delay of a codec in packets of 20 ms by theory, and how far off it may be, in ms."""


async def whole_comparison(_seconds: float) -> Row:
    """Compare all video codecs at four rates and time it, reading the clip included."""
    taken = await asyncio.to_thread(_compare)
    lacking = [*taken["missing"], *(f"{codec} at {rate:g}" for codec, rate in taken["failed"])]
    complete = taken["points"] == 20 and not lacking
    measured = f"{taken['whole_s']:.1f} s, first point after {taken['first_s']:.1f} s"
    if not complete:
        measured += f"; {taken['points']} of 20 points, without {', '.join(lacking)}"
    return Row(
        "codecs",
        "the whole comparison of 5 video codecs × 4 rates on a 4 s 640×360 clip, 2 cores",
        f"≤ {REACH_S:g} s, first points on the figure ≤ {FIRST_S:g} s",
        measured,
        complete and taken["whole_s"] <= REACH_S and taken["first_s"] <= FIRST_S,
        "test pattern at 30 pictures a second, one encoding after another in this process, each on "
        "one thread, with PSNR, SSIM and XPSNR of every frame; drawing the first figure included",
        taken,
    )


async def chirp_delay(_seconds: float) -> Row:
    """Measure the delay of each sound codec with chirps, against what theory says."""
    off_ms = await asyncio.to_thread(_delays_off_ms)
    told = "; ".join(f"{name} {off:+.3f} ms" for name, off in off_ms.items())
    reach = {" ".join(map(str, filter(None, key))): off for key, (_due, off) in DELAYS.items()}
    return Row(
        "chirp",
        "chirp delay against theory",
        "Opus within 0.5 ms, G.711 and G.722 within one sample",
        told,
        all(abs(off) <= reach[name] for name, off in off_ms.items()),
        "chirps encoded and decoded at the codec’s own rate: the samples that its method holds "
        "back, and one packet of 20 ms; theory: Opus 6.5 ms (RFC 6716), G.711 none, G.722 22 "
        "samples of its filter bank",
        {"off_ms": off_ms},
    )


def _delays_off_ms() -> dict[str, float]:
    from labkit.codecs import measure_audio

    return {
        " ".join(map(str, filter(None, (codec, rate)))): measure_audio(codec, rate)["delay_ms"]
        - due_ms
        for (codec, rate), (due_ms, _off) in DELAYS.items()
    }


def _compare(width: int = 640, height: int = 360, seconds: float = 4.0) -> dict[str, Any]:
    import pandas as pd

    from labkit.codecs import compare_video, read_clip
    from labkit.media import TestPattern
    from labkit.plots import plot_rate_distortion

    begin_s = perf_counter()
    first_s: list[float] = []

    def on_result(row: dict[str, Any], _done: int, _total: int) -> None:
        if not first_s and "psnr_db" in row:
            plot_rate_distortion(pd.DataFrame([row]))[0].savefig(io.BytesIO(), format="png")
            first_s.append(perf_counter() - begin_s)

    compared = compare_video(read_clip(TestPattern(width, height), seconds), on_result=on_result)
    return {
        "whole_s": perf_counter() - begin_s,
        "first_s": first_s[0],
        "points": len(compared.summary),
        "missing": list(compared.missing),
        "failed": [list(place) for place in compared.failed],
        "bd_rate": compared.to_dict()["bd_rate"],
    }
