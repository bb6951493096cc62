"""One clip through many encoders at many rates, as two tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from labkit.codecs.clip import Clip, Pictures, to_image
from labkit.codecs.encoders import VideoEncoder, choose_encoders
from labkit.codecs.summary import bd_rates, frame_table, summarise, summary_table
from labkit.codecs.video import EncodeJob, Encoding, encode
from labkit.errors import BadValue, MediaError, WaitTimeout
from labkit.progress import Shower, progress_shower
from labkit.words import _

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["DEFAULT_RATES", "Comparison", "compare_video", "encoding_bar"]

DEFAULT_RATES = (150.0, 300.0, 600.0, 1200.0)
MIN_KBPS, MAX_KBPS = 10.0, 100_000.0

OnResult = Callable[[dict[str, Any], int, int], None]
"""Gets a row of the summary, how many encodings are done, and how many there are."""


@dataclass
class Comparison:
    """What came of ``compare_video``.

    Args:
        about: The clip in a few words.
        frames: One row a frame: codec, asked_kbps, fps, frame, size_bytes, key_frame, type (I,
            P, B), encode_ms and decode_ms (one thread), delay_frames (how many later frames
            were captured before this one was decoded; missing where the clip ended first),
            psnr_db, ssim, xpsnr_db (all of luma).
        summary: One row a codec and asked rate, see ``labkit.codecs.summary``.
        missing: By codec, why this PyAV build cannot encode or decode it.
        failed: By codec and asked rate, why an encoding did not work.
        pictures: Decoded pictures by codec, asked rate and frame.
    """

    about: str
    frames: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame = field(repr=False)
    missing: dict[str, str]
    failed: dict[tuple[str, float], str]
    pictures: dict[tuple[str, float, int], Pictures] = field(repr=False)

    @classmethod
    def of(cls, clip: Clip, encodings: list[Encoding], missing: dict[str, str]) -> Comparison:
        """Return the tables of these encodings of one clip, in their order.

        Args:
            clip: What was encoded.
            encodings: One for each codec and rate; those that failed are named and left out.
            missing: Why a codec could not be tried, by its name.
        """
        good = [each for each in encodings if each.failed is None]
        return cls(
            repr(clip).strip("<>"),
            frame_table(good),
            summary_table(good),
            missing,
            {(each.codec, each.asked_kbps): each.failed for each in encodings if each.failed},
            {
                (each.codec, each.asked_kbps, frame): picture
                for each in good
                for frame, picture in each.pictures.items()
            },
        )

    def bd_rate(self, anchor: str = "h264") -> dict[str, float]:
        """Return percent of rate against ``anchor`` by codec, NaN where there is none.

        Args:
            anchor: The codec that the others are compared with.
        """
        return bd_rates(self.summary, anchor)

    def image(self, codec: str, asked_kbps: float, frame: int) -> Image:
        """Return a decoded picture as a still.

        Args:
            codec: Name of a codec of the comparison.
            asked_kbps: One of its asked rates.
            frame: One of ``keep_frames``.

        Raises:
            BadValue: This picture was not kept.
        """
        picture = self.pictures.get((codec, float(asked_kbps), frame))
        if picture is None:
            raise BadValue(
                _("Frame {frame} of {codec} at {rate:g} kbit/s was not kept.").format(
                    frame=frame, codec=codec, rate=asked_kbps
                ),
                next_step=_("Ask for it with compare_video(…, keep_frames=[{frame}]).").format(
                    frame=frame
                ),
            )
        return to_image(picture)

    def to_dict(self) -> dict[str, Any]:
        """Return rows, BD-rate and what is missing as plain data; None where a value is missing."""
        rows = [
            {str(name): _plain(value) for name, value in row.items()}
            for row in self.summary.astype(object).to_dict("records")
        ]
        return {
            "clip": self.about,
            "rows": rows,
            "bd_rate": {codec: _plain(percent) for codec, percent in self.bd_rate().items()},
            "missing": list(self.missing),
            "failed": [
                {"codec": codec, "asked_kbps": rate, "why": why}
                for (codec, rate), why in self.failed.items()
            ],
        }


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA:
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def compare_video(
    clip: Clip,
    codecs: Iterable[str | VideoEncoder] | None = None,
    rates_kbps: Iterable[float] = DEFAULT_RATES,
    *,
    xpsnr: bool = True,
    keep_frames: Iterable[int] = (),
    executor: Executor | None = None,
    timeout_s: float = 600.0,
    on_result: OnResult | None = None,
    progress: bool = True,
) -> Comparison:
    """Encode a clip with every codec at every rate, decode it, and measure each frame.

    Args:
        clip: From ``read_clip``.
        codecs: Names out of ``VIDEO_CODECS``, or encoders of one's own; all without it.
        rates_kbps: Asked rates, 10 to 100000 kbit/s.
        xpsnr: Whether to compute XPSNR too.
        keep_frames: Numbers of frames whose decoded pictures are kept.
        executor: Any of ``concurrent.futures``; without it the work is done here, one encoding
            after another, which is what times can be trusted of.
        timeout_s: With an executor, how long all of it may take.
        on_result: Called here after each encoding.
        progress: Whether to show a bar, where there is a notebook.

    Raises:
        BadValue: A codec or a rate cannot be used.
        MediaError: This PyAV build lacks all the codecs, or the executor broke.
        WaitTimeout: The executor was not done in time.
    """
    encoders, missing = choose_encoders(codecs)
    rates, keep = _checked_rates(rates_kbps), tuple(keep_frames)
    # Rate by rate, so that the first points of every codec come early.
    jobs = [EncodeJob(clip, encoder, rate, xpsnr, keep) for rate in rates for encoder in encoders]
    done: dict[tuple[str, float], Encoding] = {}
    with encoding_bar(progress, len(jobs)) as show:
        for encoding in _encodings(jobs, executor, timeout_s):
            done[encoding.codec, encoding.asked_kbps] = encoding
            show(len(done) / len(jobs))
            if on_result is not None:
                on_result(summarise(encoding), len(done), len(jobs))
    in_order = [done[encoder.name, rate] for encoder in encoders for rate in rates]
    return Comparison.of(clip, in_order, missing)


def encoding_bar(progress: bool, total: int, unit: str | None = None) -> closing[Shower]:
    """Return what shows how many encodings (or other units) are done, as a context manager."""
    unit = unit or _("encodings")
    return closing(progress_shower(progress, total, title=_("Encoding"), unit=unit))


def _checked_rates(rates_kbps: Iterable[float]) -> list[float]:
    rates = [float(rate) for rate in rates_kbps]
    if (
        not rates
        or len(set(rates)) < len(rates)
        or not all(MIN_KBPS <= rate <= MAX_KBPS for rate in rates)
    ):
        raise BadValue(
            _("The rates {rates} cannot be used.").format(rates=rates),
            next_step=_("Use different rates from {first:g} to {last:g} kbit/s.").format(
                first=MIN_KBPS, last=MAX_KBPS
            ),
        )
    return sorted(rates)


def _encodings(
    jobs: list[EncodeJob], executor: Executor | None, timeout_s: float
) -> Iterator[Encoding]:
    if executor is None:
        yield from map(encode, jobs)
        return
    futures = [executor.submit(encode, job) for job in jobs]
    try:
        for future in as_completed(futures, timeout_s):
            yield future.result()
    except TimeoutError as error:
        raise WaitTimeout(
            _("The encodings were not done within {timeout:g} s.").format(timeout=timeout_s),
            _("The clip is long, or the executor has too few workers."),
            _("Use a shorter clip, fewer rates, or a longer timeout_s."),
        ) from error
    except BrokenExecutor as error:
        raise MediaError(
            _("A process that encoded has ended."),
            str(error),
            _("Try again without executor=, to see which encoding breaks it."),
        ) from error
    finally:
        for future in futures:
            future.cancel()
