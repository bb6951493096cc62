"""Every codec at the same *achieved* rate: what is asked for is not what comes out."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.codecs.clip import Clip
from labkit.codecs.compare import MAX_KBPS, MIN_KBPS, Comparison, encoding_bar
from labkit.codecs.encoders import VideoEncoder, choose_encoders
from labkit.codecs.summary import summarise
from labkit.codecs.video import EncodeJob, Encoding, encode
from labkit.errors import BadValue
from labkit.words import _

__all__ = ["compare_at_rate"]

CLOSE = 0.03
TRIES = 6


def compare_at_rate(
    clip: Clip,
    rate_kbps: float,
    codecs: Iterable[str | VideoEncoder] | None = None,
    *,
    keep_frames: Iterable[int] = (),
    progress: bool = True,
) -> Comparison:
    """Encode a clip with every codec so that about the same rate comes out of each.

    Each encoder is asked for more or less until it is within 3 % of the rate, six times at most;
    the closest try counts. ``achieved_kbps`` of the summary says how close it came,
    ``asked_kbps`` what it had to be asked for. XPSNR is not computed.

    Args:
        clip: From ``read_clip`` or ``film_like``.
        rate_kbps: What is to come out, 10 to 100000 kbit/s.
        codecs: As for ``compare_video``.
        keep_frames: Numbers of frames whose decoded pictures are kept.
        progress: Whether to show a bar, where there is a notebook.

    Raises:
        BadValue: A codec or the rate cannot be used.
        MediaError: This PyAV build lacks all the codecs.
    Notebook: notebooks/02-codecs.ipynb
    """
    if not MIN_KBPS <= rate_kbps <= MAX_KBPS:
        raise BadValue(
            _("{rate!r} kbit/s cannot be reached.").format(rate=rate_kbps),
            next_step=_("Use {first:g} to {last:g} kbit/s.").format(first=MIN_KBPS, last=MAX_KBPS),
        )
    encoders, missing = choose_encoders(codecs)
    keep = tuple(keep_frames)
    best = []
    with encoding_bar(progress, len(encoders), _("codecs")) as show:
        for encoder in encoders:
            best.append(_closest(clip, encoder, float(rate_kbps), keep))
            show(len(best) / len(encoders))
    return Comparison.of(clip, best, missing)


def _closest(
    clip: Clip, encoder: VideoEncoder, rate_kbps: float, keep: tuple[int, ...]
) -> Encoding:
    """Ask in turns until the rate that comes out is close."""
    tried: list[tuple[float, Encoding]] = []
    asked = rate_kbps
    for _try in range(TRIES):
        done = encode(EncodeJob(clip, encoder, asked, xpsnr=False, keep_frames=keep))
        if done.failed is not None:
            return done
        times = float(summarise(done)["achieved_kbps"]) / rate_kbps
        tried.append((abs(times - 1), done))
        if abs(times - 1) <= CLOSE:
            break
        asked = min(max(asked / times, MIN_KBPS), MAX_KBPS)
    return min(tried, key=lambda one: one[0])[1]
