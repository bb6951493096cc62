"""Reading a media file with PyAV: what is in it, its pictures by tick, its sound by block."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from labkit.errors import MediaError
from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.media.fit import fitted
from labkit.words import _

__all__ = ["Contents", "blocks", "look_into", "pictures", "whole_sound"]

MIN_LOOP_S = Fraction(1, 25)
GAP = SAMPLE_RATE // 50
"""Samples by which sound may be out of place before silence is put in: 20 ms."""

NOT_MEDIA = frozenset({"tty"})
"""Formats that FFmpeg makes of anything at all, for instance of a text file."""

AnyStream = Any  # PyAV's stream types differ in what they can do


@dataclass(frozen=True)
class Contents:
    """What a media file holds; ``loop_s`` is how long it plays until it begins again."""

    has_video: bool
    has_audio: bool
    loop_s: Fraction


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    with av.open(
        path.resolve(),
        options={"protocol_whitelist": "file"},  # a playlist must not reach out to the network
        metadata_errors="replace",  # titles are written in every encoding there is
    ) as container:
        yield container


def _stream(container: InputContainer, kind: str) -> AnyStream:
    """The first stream of a kind that is not a cover picture and has a decoder, or None."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams:
        if stream.type == kind and not stream.disposition & cover and stream.codec_context:
            return stream
    return None


def look_into(path: Path) -> Contents:
    """Open a media file, decode the first frame of each kind, and measure its length.

    Raises:
        MediaError: Not a file, not media, nothing in it that can be decoded.
    """
    _check_is_file(path)
    try:
        with _opened(path) as container:
            if container.format.name in NOT_MEDIA:
                raise _no_media(path)
            kinds = {kind: _stream(container, kind) for kind in ("video", "audio")}
            loop_s = _length_s(container)
        found = {kind: stream is not None and _gives(path, kind) for kind, stream in kinds.items()}
    except av.error.FFmpegError as error:
        raise _no_media(path, _("The decoder says: {why}.").format(why=error.strerror)) from None
    if not any(found.values()):
        raise _no_media(path, _("Nothing in it can be decoded."))
    return Contents(found["video"], found["audio"], max(loop_s, MIN_LOOP_S))


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise MediaError(
            _("{path} is a folder.").format(path=path), next_step=_("Name a file in it.")
        )
    if not path.is_file():
        raise MediaError(
            _("There is no file {path}.").format(path=path),
            next_step=_("Check the name; it counts from the folder {folder}.").format(
                folder=Path.cwd()
            ),
        )
    if not path.stat().st_size:
        raise MediaError(
            _("{path} is empty.").format(path=path), next_step=_("Copy or download it again.")
        )


def _no_media(path: Path, why: str | None = None) -> MediaError:
    return MediaError(
        _("{path} is no video or sound that can be used.").format(path=path),
        why or _("It is of another kind."),
        _("Try the file in a media player, or convert it to MP4."),
    )


def _gives(path: Path, kind: str) -> bool:
    with _opened(path) as container:
        return next(_frames(container, kind), None) is not None


def _length_s(container: InputContainer) -> Fraction:
    if container.duration and container.duration > 0:
        return Fraction(container.duration, av.time_base)
    start_s, end_s, untimed = _start_s(container), Fraction(0), 0
    for packet in container.demux():
        if packet.pts is not None and packet.time_base:
            end_s = max(end_s, (packet.pts + (packet.duration or 0)) * packet.time_base - start_s)
        else:
            untimed += packet.size > 0 and packet.stream.type == "video"
    return end_s if end_s or not untimed else untimed / _rate(container)


def _rate(container: InputContainer) -> Fraction:
    """Pictures per second of a raw stream, which carries no times."""
    return _stream(container, "video").guessed_rate or Fraction(25)


def _start_s(container: InputContainer) -> Fraction:
    return Fraction(container.start_time or 0, av.time_base)


def _frames(container: InputContainer, kind: str) -> Iterator[tuple[Fraction | None, Any]]:
    """Every frame that can be decoded, with its seconds from the beginning of the file."""
    stream = _stream(container, kind)
    start_s = _start_s(container)
    for packet in _packets(container, stream):
        try:
            decoded = stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            continue  # a damaged packet costs its frame, not the file
        for frame in decoded:
            timed = frame.pts is not None and frame.time_base
            yield (frame.pts * frame.time_base - start_s if timed else None), frame


def _packets(container: InputContainer, stream: AnyStream) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError:
        return  # a truncated file ends here


def pictures(
    path: Path, loop_s: Fraction, width: int, height: int, fps: int, first: Any
) -> Generator[tuple[int, av.VideoFrame], None, None]:
    """Yield (tick, picture) for ever: tick k is the file at k/fps seconds, modulo its length.

    Args:
        path: A file with video.
        loop_s: Its length.
        width: Of the box that pictures are scaled into, pixels; the aspect is kept.
        height: Of the same box.
        fps: Ticks per second.
        first: Says the lowest tick that is still wanted; earlier ones are left out.
    """
    scaler = VideoReformatter()
    for turn in itertools.count():
        end = _ceil((turn + 1) * loop_s * fps)
        if end <= first():
            continue
        for k, frame, shape in _turn(path, turn * loop_s, end, fps):
            if k >= first():
                yield k, fitted(scaler, frame, shape, width, height)


def _turn(
    path: Path, begin_s: Fraction, end: int, fps: int
) -> Iterator[tuple[int, av.VideoFrame, Fraction]]:
    """The ticks of one turn of the loop, the frame that each shows, and its pixels' shape."""
    k = _ceil(begin_s * fps)
    shown: av.VideoFrame | None = None
    with _opened(path) as container:
        # FFmpeg writes 0 where pixels are square or of unknown shape.
        shape = _stream(container, "video").sample_aspect_ratio or Fraction(1)
        for number, (at_s, frame) in enumerate(_frames(container, "video")):
            if at_s is None:
                at_s = number / _rate(container)
            while shown is not None and k < end and Fraction(k, fps) - begin_s < at_s:
                yield k, shown, shape
                k += 1
            shown = frame
    if shown is None:
        raise _no_media(path, _("It has changed since the call was made."))
    yield from ((tick, shown, shape) for tick in range(k, end))


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def whole_sound(path: Path) -> NDArray[np.int16]:
    """Return all sound of a file: 48 kHz, mono, shape (n,).

    Raises:
        MediaError: It has no sound that can be decoded.
    """
    try:
        with _opened(path) as container:
            found = _stream(container, "audio") is not None
            parts = [samples for _at, samples in _mono(container)] if found else []
    except av.error.FFmpegError as error:
        raise _no_media(path, _("The decoder says: {why}.").format(why=error.strerror)) from None
    if not parts:
        raise _no_media(path, _("Nothing in it can be decoded."))
    return np.concatenate(parts)


def blocks(path: Path, loop_s: Fraction) -> Generator[tuple[int, NDArray[np.int16]], None, None]:
    """Yield (k, block) for ever: 960 samples each, the file's sound over and over.

    Args:
        path: A file with sound.
        loop_s: Its length; sound that ends earlier is followed by silence.
    """
    left = np.zeros(0, np.int16)
    k = 0
    for turn in itertools.count():
        length = round((turn + 1) * loop_s * SAMPLE_RATE) - round(turn * loop_s * SAMPLE_RATE)
        for piece in _sound(path, length):
            left = np.concatenate([left, piece])
            whole = len(left) // BLOCK
            for block in left[: whole * BLOCK].reshape(whole, BLOCK):
                yield k, block
                k += 1
            left = left[whole * BLOCK :]


def _sound(path: Path, length: int) -> Iterator[NDArray[np.int16]]:
    """Exactly ``length`` samples of the file from its beginning, gaps filled with silence."""
    done = 0
    with _opened(path) as container:
        for at, samples in _mono(container):
            if at is not None and at > done + GAP:
                yield from _silence(min(at, length) - done)
                done = min(at, length)
            samples = samples[max(0, -at) if at is not None and not done else 0 :][: length - done]
            done += len(samples)
            yield samples
    yield from _silence(length - done)


def _mono(container: InputContainer) -> Iterator[tuple[int | None, NDArray[np.int16]]]:
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    start_s = _start_s(container)
    decoded = (frame for _at_s, frame in _frames(container, "audio"))
    for frame in itertools.chain(decoded, [None]):
        for part in resampler.resample(frame):
            samples: NDArray[np.int16] = part.to_ndarray().ravel().astype(np.int16, copy=False)
            yield _sample_number(part, start_s), samples


def _sample_number(frame: av.AudioFrame, start_s: Fraction) -> int | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return round((frame.pts * frame.time_base - start_s) * SAMPLE_RATE)


def _silence(length: int) -> Iterator[NDArray[np.int16]]:
    while length > 0:
        yield np.zeros(min(length, SAMPLE_RATE), np.int16)
        length -= SAMPLE_RATE
