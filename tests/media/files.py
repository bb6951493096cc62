"""Small media files, made with PyAV for the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from labkit.media.stamp import planes, stamp_frame

Times = Sequence[Fraction | float]


def thousand_hertz(t: np.ndarray) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 1000 * t)


def numbered(k: int, size: tuple[int, int], pixel_format: str = "yuv420p") -> av.VideoFrame:
    """A grey picture that carries its number."""
    frame = av.VideoFrame(*size, "yuv420p")
    for plane in planes(frame):
        plane[:] = 128
    stamp_frame(frame, k)
    return frame.reformat(format=pixel_format, dst_color_range="JPEG" if "j" in pixel_format else 0)


def write_video(
    path: Path,
    *,
    frames: int = 20,
    fps: int = 20,
    size: tuple[int, int] = (320, 240),
    times: Times | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    tone_s: float | None = None,
    tone_from_s: float = 0,
    aspect: Fraction | None = None,
    turned_degrees: int = 0,
) -> Path:
    """Write numbered pictures at fps (or at the times given, in s), with a tone if wanted."""
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if turned_degrees:
            stream.set_display_rotation(turned_degrees)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        sound = out.add_stream("aac", rate=44_100, layout="mono") if tone_s else None
        for k in range(frames):
            frame = numbered(k, size, pixel_format)
            at_s = times[k] if times else k / fps
            frame.pts, frame.time_base = round(at_s * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound and tone_s:
            _write_sound(out, sound, tone_s, 44_100, thousand_hertz, tone_from_s)
    return path


def write_sound(
    path: Path,
    *,
    seconds: float = 1.0,
    rate: int = 48_000,
    codec: str = "pcm_s16le",
    wave: Callable[[np.ndarray], np.ndarray] = thousand_hertz,
) -> Path:
    """Write one channel of ``wave`` (seconds in, -1 to 1 out)."""
    with av.open(path, "w") as out:
        _write_sound(out, out.add_stream(codec, rate=rate, layout="mono"), seconds, rate, wave)
    return path


def _write_sound(out, stream, seconds, rate, wave, from_s=0) -> None:  # type: ignore[no-untyped-def]
    samples = np.rint(32767 * wave(np.arange(round(seconds * rate)) / rate)).astype(np.int16)
    size = stream.codec_context.frame_size or 1024
    for at in range(0, len(samples), size):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + size], "s16", "mono")
        frame.sample_rate, frame.pts = rate, at + round(from_s * rate)
        frame.time_base = Fraction(1, rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
