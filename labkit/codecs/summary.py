"""From frames to one row a codec and rate, and from those to BD-rate.

A row of the summary: codec, asked_kbps, achieved_kbps (all bytes over the clip's length),
psnr_db, ssim, xpsnr_db (luma, mean of the decoded frames), encode_ms and encode_p95_ms,
decode_ms (one thread, mean of the frames), delay_frames (the largest), key_frames, frames,
decoded (how many of them came out of the decoder), largest_bytes (of a frame), fps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from labkit.codecs.bdrate import Curve, Interpolation, bd_rate, overlap_share
from labkit.codecs.video import Encoding

__all__ = ["bd_rates", "curve", "frame_table", "overlap_shares", "summarise", "summary_table"]

_FRAMES = {
    "codec": pd.StringDtype(na_value=np.nan),
    "asked_kbps": "float64",
    "fps": "Int64",
    "frame": "Int64",
    "size_bytes": "Int64",
    "key_frame": "boolean",
    "type": pd.StringDtype(na_value=np.nan),
    "encode_ms": "float64",
    "decode_ms": "float64",
    "delay_frames": "float64",
    "psnr_db": "float64",
    "ssim": "float64",
    "xpsnr_db": "float64",
}

_SUMMARY = {
    "codec": pd.StringDtype(na_value=np.nan),
    "asked_kbps": "float64",
    "achieved_kbps": "float64",
    "psnr_db": "float64",
    "ssim": "float64",
    "xpsnr_db": "float64",
    "encode_ms": "float64",
    "encode_p95_ms": "float64",
    "decode_ms": "float64",
    "delay_frames": "float64",
    "key_frames": "Int64",
    "frames": "Int64",
    "decoded": "Int64",
    "largest_bytes": "Int64",
    "fps": "Int64",
}


def frame_table(encodings: Iterable[Encoding]) -> pd.DataFrame:
    """Return one row a frame of all encodings."""
    return _table((row for encoding in encodings for row in encoding.rows), _FRAMES)


def summary_table(encodings: Iterable[Encoding]) -> pd.DataFrame:
    """Return one row an encoding."""
    return _table(map(summarise, encodings), _SUMMARY)


def _table(rows: Iterable[dict[str, Any]], types: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(types)).astype(types)


def summarise(encoding: Encoding) -> dict[str, Any]:
    """Return an encoding's row of the summary; with no figures where it failed."""
    row: dict[str, Any] = {"codec": encoding.codec, "asked_kbps": encoding.asked_kbps}
    if encoding.failed is not None:
        return row
    frames = frame_table([encoding])
    fps = int(frames["fps"].iloc[0])
    row["achieved_kbps"] = float(frames["size_bytes"].sum()) * 8 * fps / len(frames) / 1000
    for name in ("psnr_db", "ssim", "xpsnr_db", "encode_ms"):
        row[name] = float(frames[name].mean())
    row["encode_p95_ms"] = float(frames["encode_ms"].quantile(0.95))
    row["decode_ms"] = float(frames["decode_ms"].mean())
    row["delay_frames"] = float(frames["delay_frames"].max())
    row["key_frames"] = int(frames["key_frame"].sum())
    row["frames"] = len(frames)
    row["decoded"] = int(frames["psnr_db"].notna().sum())
    row["largest_bytes"] = int(frames["size_bytes"].max())
    row["fps"] = fps
    return row


def curve(summary: pd.DataFrame, codec: str, quality: str = "psnr_db") -> Curve:
    """Return a codec's achieved rates in kbit/s and its qualities."""
    rows = summary[summary["codec"] == codec]
    return rows["achieved_kbps"].tolist(), rows[quality].tolist()


def bd_rates(
    summary: pd.DataFrame,
    anchor: str = "h264",
    quality: str = "psnr_db",
    interpolation: Interpolation = "pchip",
) -> dict[str, float]:
    """Return BD-rate in percent against ``anchor`` by codec, NaN where there is none.

    Args:
        summary: From ``summary_table``.
        anchor: Codec that the others are compared with; without it all is NaN.
        quality: Column of the quality: psnr_db, ssim or xpsnr_db.
        interpolation: ``pchip`` or ``cubic``.
    """
    reference = curve(summary, anchor, quality)
    return {
        codec: bd_rate(reference, curve(summary, codec, quality), interpolation)
        for codec in summary["codec"].unique()
    }


def overlap_shares(
    summary: pd.DataFrame, anchor: str = "h264", quality: str = "psnr_db"
) -> dict[str, float]:
    """Return which part of their quality each codec and ``anchor`` have in common, 0 to 1."""
    reference = curve(summary, anchor, quality)
    return {
        codec: overlap_share(reference, curve(summary, codec, quality))
        for codec in summary["codec"].unique()
    }
