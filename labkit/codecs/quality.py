"""How like its original a decoded picture is: FFmpeg's psnr, ssim and xpsnr filters."""

from __future__ import annotations

from typing import NamedTuple

import av
import av.filter

__all__ = ["Quality", "QualityMeter"]


class Quality(NamedTuple):
    """The likeness of two pictures' brightness (luma).

    Args:
        psnr_db: Peak signal-to-noise ratio, dB; infinite where every pixel is the same.
        ssim: Structural similarity, up to 1; FFmpeg's windows are 8 x 8 pixels, 4 apart.
        xpsnr_db: PSNR weighted by what an eye notices, dB; None where it was not asked for.
    """

    psnr_db: float
    ssim: float
    xpsnr_db: float | None


class QualityMeter:
    """Compares the pictures of one encoding with their originals, in the order of time.

    Source of XPSNR: Helmrich et al., "XPSNR: A Low-Complexity Extension of the Perceptually
    Weighted Peak Signal-to-Noise Ratio", ICASSP 2020.

    Args:
        width: Pixels.
        height: Pixels.
        fps: Pictures per second; XPSNR weighs motion by it.
        xpsnr: Whether to compute it: it takes six times as long as the other two.
    """

    def __init__(self, width: int, height: int, fps: int, *, xpsnr: bool = True) -> None:
        names = ("psnr", "ssim", "xpsnr") if xpsnr else ("psnr", "ssim")
        self._meters = {name: _Meter(name, width, height, fps) for name in names}

    def compare(self, original: av.VideoFrame, decoded: av.VideoFrame) -> Quality:
        """Return how like ``original`` the picture ``decoded`` is, both yuv420p of one size."""
        values = {name: meter.value(original, decoded) for name, meter in self._meters.items()}
        return Quality(values["psnr"], values["ssim"], values.get("xpsnr"))


_KEYS = {
    "psnr": "lavfi.psnr.psnr.y",
    "ssim": "lavfi.ssim.Y",
    "xpsnr": "lavfi.xpsnr.xpsnr.y",
}


class _Meter:
    """One filter with an input for the original and one for the decoded picture."""

    def __init__(self, name: str, width: int, height: int, fps: int) -> None:
        self._key = _KEYS[name]
        self._count = 0
        graph = av.filter.Graph()
        shape = f"video_size={width}x{height}:pix_fmt=yuv420p:time_base=1/{fps}:frame_rate={fps}"
        self._inputs = [graph.add("buffer", shape) for _input in range(2)]
        meter = graph.add(name)
        self._sink = graph.add("buffersink")
        for number, buffer in enumerate(self._inputs):
            buffer.link_to(meter, 0, number)
        meter.link_to(self._sink)
        graph.configure()
        self._graph = graph  # the filters live as long as it does

    def value(self, original: av.VideoFrame, decoded: av.VideoFrame) -> float:
        # xpsnr takes its first input for the original; to psnr and ssim both are alike.
        for buffer, frame in zip(self._inputs, (original, decoded), strict=True):
            frame.pts = self._count
            buffer.push(frame)
        self._count += 1
        measured = self._sink.pull()
        return float(measured.metadata[self._key])
