"""Encode a clip one way, decode it again, and keep what happened to every frame."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from time import perf_counter
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from labkit.codecs.clip import Clip, Pictures
from labkit.codecs.encoders import VideoEncoder
from labkit.codecs.priority import priority_kept
from labkit.codecs.quality import QualityMeter

__all__ = ["EncodeJob", "Encoding", "encode", "open_encoder"]

FRAME_TYPES = {"I": "I", "P": "P", "B": "B", "SI": "I", "SP": "P", "BI": "B"}


@dataclass(frozen=True)
class EncodeJob:
    """One clip, one encoder, one rate: what travels to the process that encodes."""

    clip: Clip
    encoder: VideoEncoder
    rate_kbps: float
    xpsnr: bool = True
    keep_frames: tuple[int, ...] = ()
    "Numbers of the frames whose decoded pictures come back."


@dataclass
class Encoding:
    """What came of a job: a row a frame, or why there is none."""

    codec: str
    asked_kbps: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[int, Pictures] = field(default_factory=dict)
    "Decoded pictures by frame, as those of a Clip."
    failed: str | None = None


def encode(job: EncodeJob) -> Encoding:
    """Do a job; an encoder that refuses it is told in the result, not raised."""
    done = Encoding(job.encoder.name, job.rate_kbps)
    try:
        _Bench(job, done).run()
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: an unknown profile
        done.rows.clear()
        done.failed = str(error)
    return done


class _Bench:
    """Encoder, decoder and meter of one job."""

    def __init__(self, job: EncodeJob, done: Encoding) -> None:
        clip = job.clip
        self._job, self._done, self._clip = job, done, clip
        self._encoder: Any = open_encoder(job)
        self._decoder: Any = av.CodecContext.create(job.encoder.decoder, "r")
        self._decoder.thread_count = 1
        self._meter = QualityMeter(clip.width, clip.height, clip.fps, xpsnr=job.xpsnr)
        self._rows = [_new_row(job, k) for k in range(len(clip))]
        self._captured: float = np.nan  # the frame that went in last, while there are any

    def run(self) -> None:
        for k in range(len(self._clip)):
            self._captured = k
            for packet in self._encode(self._clip.frame(k), [k]):
                self._packet(packet)
        self._captured = np.nan
        self._flush()
        self._done.rows[:] = self._rows

    def _encode(self, frame: av.VideoFrame | None, takers: list[int]) -> list[Any]:
        """Encode; the time goes to ``takers``, or to the frames that came out."""
        begin_s = perf_counter()
        packets: list[Any] = self._encoder.encode(frame)
        spent_ms = (perf_counter() - begin_s) * 1000
        for k in takers or [packet.pts for packet in packets]:
            self._rows[k]["encode_ms"] += spent_ms / len(takers or packets)
        return packets

    def _flush(self) -> None:
        for packet in self._encode(None, []):
            self._packet(packet)
        for picture in self._decoder.decode(None):
            self._decoded(picture)

    def _packet(self, packet: Any) -> None:
        row = self._rows[packet.pts]
        row["size_bytes"] += packet.size
        row["key_frame"] = bool(packet.is_keyframe)
        begin_s = perf_counter()
        pictures = self._decoder.decode(packet)
        row["decode_ms"] = (perf_counter() - begin_s) * 1000
        for picture in pictures:
            self._decoded(picture)

    def _decoded(self, picture: av.VideoFrame) -> None:
        k = picture.pts
        if k is None or not 0 <= k < len(self._rows):
            return
        row = self._rows[k]
        row["delay_frames"] = self._captured - k
        row["type"] = _type(picture, row["key_frame"])
        if k in self._job.keep_frames:
            self._done.pictures[k] = picture.to_ndarray().astype(np.uint8, copy=False)
        quality = self._meter.compare(self._clip.frame(k), picture)
        row.update(quality._asdict())


def _type(picture: av.VideoFrame, key_frame: bool) -> str:
    """Return I, P or B; libvpx does not tell, and VP8 has no other than I and P (RFC 6386)."""
    told = FRAME_TYPES.get(PictureType(picture.pict_type).name)
    return told or ("I" if key_frame else "P")


def open_encoder(job: EncodeJob) -> Any:
    """Return the encoder of a job, a codec context of PyAV.

    Raises:
        av.error.FFmpegError: It refuses the size or an option.
    """
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes its settings to stderr otherwise
    clip, asked = job.clip, job.encoder
    encoder: Any = av.CodecContext.create(asked.encoder, "w")
    encoder.width, encoder.height, encoder.pix_fmt = clip.width, clip.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, clip.fps), Fraction(clip.fps)
    encoder.bit_rate = round(job.rate_kbps * 1000)
    encoder.gop_size = asked.gop_size
    encoder.thread_count = 1
    encoder.options = asked.options_at(job.rate_kbps)
    if asked.profile is not None:
        encoder.profile = asked.profile
    with priority_kept():
        encoder.open()
    return encoder


def _new_row(job: EncodeJob, k: int) -> dict[str, Any]:
    return {
        "codec": job.encoder.name,
        "asked_kbps": job.rate_kbps,
        "fps": job.clip.fps,
        "frame": k,
        "size_bytes": 0,
        "key_frame": False,
        "type": None,
        "encode_ms": 0.0,
        "decode_ms": np.nan,
        "delay_frames": np.nan,
        "psnr_db": np.nan,
        "ssim": np.nan,
        "xpsnr_db": np.nan,
    }
