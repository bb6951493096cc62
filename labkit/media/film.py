"""A film of what is said: decoded pictures and sound become MP4, HLS, or both, encoded once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from labkit.errors import BadValue, MediaError
from labkit.words import _

__all__ = ["Film", "FilmWriter", "film_facts"]

KEY_EVERY_S = 2.0
"""A key frame at least so often: a player can start there, and an HLS segment must."""

VIDEO_CLOCK = 90_000
SAMPLE_RATE = 48_000
AAC_FRAME = 1024
"""Samples that AAC takes at a time."""

GAP_S = 0.06
"""Sound that is this much late or early against its timestamps is moved to its place."""

SILENCE_AFTER_S = 1.0
"""Sound that is this much behind the pictures is not awaited any longer."""

PLAYLIST = "film.m3u8"


@dataclass(frozen=True)
class Film:
    """Where a participant writes down the first picture track and the first sound that it gets.

    Args:
        mp4: One file; None for none.
        hls: A folder for a playlist (``film.m3u8``) and its segments; None for none.
        audio: Whether sound is awaited as well.

    Raises:
        BadValue: Neither is named, or the folder is a file.

    Notebook: notebooks/deeper/10-ingest.ipynb
    """

    mp4: str | Path | None = None
    hls: str | Path | None = None
    audio: bool = True

    def __post_init__(self) -> None:
        if self.mp4 is None and self.hls is None:
            raise BadValue(
                _("A film needs a place."), next_step=_('Use for instance Film(mp4="talk.mp4").')
            )
        for name in ("mp4", "hls"):  # the process that writes may work in another folder
            value = getattr(self, name)
            if value is not None and not isinstance(value, (str, Path)):
                raise BadValue(
                    _("{name}={value!r} is no path.").format(name=name, value=value),
                    next_step=_('Write the name in quotes, for instance Film(mp4="talk.mp4").'),
                )
            if value is not None:
                object.__setattr__(self, name, Path(value).resolve())
        if self.hls is not None and Path(self.hls).is_file():
            raise BadValue(
                _("{path} is a file.").format(path=self.hls),
                next_step=_("HLS is many files: name a folder."),
            )

    def describe(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``; folders stay at home."""
        names = {name: getattr(self, name) for name in ("mp4", "hls")}
        return {name: None if path is None else Path(path).name for name, path in names.items()}


class FilmWriter:
    """Encodes as H.264 and AAC and writes; every file is whole after ``close``.

    The film starts with its first picture, which settles its size; later pictures of another
    size are scaled. Times are those of the media, so a late picture is not shown late.

    Args:
        film: Where to.
        fps: Pictures a second that the encoder may expect.

    Raises:
        MediaError: A file cannot be written, or an encoder is missing.
    """

    def __init__(self, film: Film, *, fps: float = 30) -> None:
        self.pictures = 0
        self.key_frames = 0
        self._film = film
        self._fps = Fraction(fps).limit_denominator(1001)
        self._outputs: list[Any] = []
        self._video: list[Any] = []
        self._audio: list[Any] = []
        self._from_s = 0.0
        self._last_pts = -1
        self._pause = 0
        self._last_key_s = -KEY_EVERY_S
        self._samples = self._encoded = 0
        self._fifo = av.AudioFifo()
        self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)

    def add_video(self, frame: av.VideoFrame, at_s: float) -> None:
        """Write a picture.

        Args:
            frame: The picture, any size.
            at_s: Its time, in seconds on a clock that the sound shares.
        """
        if not self._outputs:
            self._from_s = at_s
            self._open(frame.width, frame.height)
        encoder = self._video[0].codec_context
        pts = round((at_s - self._from_s) * VIDEO_CLOCK)
        if pts <= self._last_pts:  # a file takes no picture that goes back in time
            return
        picture = frame.reformat(encoder.width, encoder.height, "yuv420p")
        key = at_s - self._from_s - self._last_key_s >= KEY_EVERY_S
        picture.pict_type = av.video.frame.PictureType.I if key else av.video.frame.PictureType.NONE
        if key:
            self._last_key_s = at_s - self._from_s
        picture.pts, picture.time_base = pts, Fraction(1, VIDEO_CLOCK)
        self._pause = pts - self._last_pts if self.pictures else round(VIDEO_CLOCK / self._fps)
        self._last_pts = pts
        self.pictures += 1
        self._write_pictures(picture)
        behind_s = at_s - self._from_s - self._samples / SAMPLE_RATE
        if self._audio and behind_s > SILENCE_AFTER_S:  # files wait for the slower one of the two
            self._hear(_silence(round((behind_s - SILENCE_AFTER_S / 2) * SAMPLE_RATE)))

    def add_audio(self, frame: av.AudioFrame, at_s: float) -> None:
        """Write sound; what comes before the first picture is left out.

        Args:
            frame: Samples of any layout and rate.
            at_s: Time of its first sample, on the clock of the pictures.
        """
        if not self._audio:
            return
        late_s = at_s - self._from_s - self._samples / SAMPLE_RATE
        if late_s > GAP_S:
            self._hear(_silence(round(late_s * SAMPLE_RATE)))
        elif late_s < -GAP_S:
            return
        frame.pts = None
        for piece in self._resampler.resample(frame):
            self._hear(piece)

    def close(self) -> None:
        """Finish all files; closing twice is fine."""
        try:
            if self._video:
                self._write_pictures(None)
            if self._audio:
                rest = self._fifo.read(0, partial=True)
                if rest is not None:
                    self._write_sound(rest)
                self._write_sound(None)
        finally:
            outputs, self._outputs, self._video, self._audio = self._outputs, [], [], []
            for output in outputs:
                output.close()

    def _open(self, width: int, height: int) -> None:
        wanted: list[tuple[Path, str, dict[str, str]]] = []
        if self._film.mp4 is not None:
            wanted.append((Path(self._film.mp4), "mp4", {}))
        if self._film.hls is not None:
            folder = Path(self._film.hls)
            wanted.append((folder / PLAYLIST, "hls", _hls_options(folder)))
        try:
            for path, form, options in wanted:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._outputs.append(av.open(str(path), "w", format=form, options=options))
            self._add_streams(width, height)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MediaError(
                _("The film {path} cannot be written.").format(path=wanted[0][0]),
                f"{type(error).__name__}: {error}.",
                _("Look at the folder, its rights, and the space that is left."),
            ) from None

    def _add_streams(self, width: int, height: int) -> None:
        first, *others = self._outputs
        video = first.add_stream("libx264", rate=self._fps)
        video.width, video.height = width - width % 2, height - height % 2
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, VIDEO_CLOCK)
        # Live: nothing is held back, and pictures are written in the order they are shown in.
        # Headers stand in the stream besides, since an HLS segment must start without the file's.
        video.options = {
            "preset": "veryfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": "repeat-headers=1:scenecut=0",
        }
        video.codec_context.gop_size = 10_000  # key frames come by the clock
        video.codec_context.flags |= _GLOBAL_HEADER
        video.codec_context.open()
        copies = [output.add_stream_from_template(video) for output in others]
        self._video = [video, *copies]
        if self._film.audio:  # an encoder each: a copied stream would lack AAC's header
            self._audio = [
                output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
                for output in self._outputs
            ]
            for sound in self._audio:
                sound.codec_context.flags |= _GLOBAL_HEADER
                sound.codec_context.open()

    def _hear(self, frame: av.AudioFrame) -> None:
        frame.pts = None
        self._samples += frame.samples
        self._fifo.write(frame)
        while (piece := self._fifo.read(AAC_FRAME)) is not None:
            self._write_sound(piece)

    def _write_sound(self, piece: av.AudioFrame | None) -> None:
        for output, stream in zip(self._outputs, self._audio, strict=True):
            if piece is not None:  # an encoder may change them
                piece.pts, piece.time_base = self._encoded, Fraction(1, SAMPLE_RATE)
            output.mux(stream.encode(piece))
        self._encoded += 0 if piece is None else piece.samples

    def _write_pictures(self, picture: av.VideoFrame | None) -> None:
        for packet in self._video[0].codec_context.encode(picture):
            self.key_frames += packet.is_keyframe
            packet.duration = self._pause  # HLS adds these up; the encoder can only guess
            copies = [packet, *(_copy(packet) for _more in self._outputs[1:])]
            for output, stream, copy in zip(self._outputs, self._video, copies, strict=True):
                copy.stream = stream
                output.mux(copy)


_GLOBAL_HEADER = av.codec.context.Flags.global_header


def film_facts(path: str | Path) -> dict[str, Any]:
    """Return what a player finds in a film: it is read to its end.

    Args:
        path: An MP4 file, or a playlist.

    Raises:
        MediaError: It cannot be read.

    Notebook: notebooks/deeper/10-ingest.ipynb
    """
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            frames = list(file.decode(stream))
            sound = [s.codec_context.name for s in file.streams.audio]
            begin_s = frames[0].time or 0.0
            return {
                "codecs": [stream.codec_context.name, *sound],
                "size": f"{stream.codec_context.width}x{stream.codec_context.height}",
                "pictures": len(frames),
                "key_frames_at_s": [_after(f, begin_s) for f in frames if f.key_frame],
                "last_picture_at_s": _after(frames[-1], begin_s),
            }
    except (av.FFmpegError, OSError, IndexError) as error:
        raise MediaError(
            _("The film {path} cannot be read.").format(path=path),
            f"{type(error).__name__}: {error}.",
            _("It may be unfinished: an MP4 is whole only when its writer has closed it."),
        ) from None


def _after(frame: Any, begin_s: float) -> float:
    return round((frame.time or 0.0) - begin_s, 3)


def _hls_options(folder: Path) -> dict[str, str]:
    return {
        "hls_time": f"{KEY_EVERY_S:g}",
        "hls_list_size": "0",
        "hls_playlist_type": "event",
        "hls_flags": "independent_segments",
        "hls_segment_filename": str(folder / "film%03d.ts"),
    }


def _silence(samples: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((2, samples), np.float32), "fltp", "stereo")
    frame.sample_rate = SAMPLE_RATE
    return frame


def _copy(packet: Any) -> Any:
    copy = av.Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
    return copy
