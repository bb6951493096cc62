"""Figures of sound: which frequencies are there, and what happens in a few hundredths of a second.

They take the sounds of ``labkit.codecs``: a part of the codec bench, so without a Run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from labkit.codecs.sound import Sound
from labkit.errors import BadValue
from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.style import (
    COLORS,
    axes_for,
    drawn,
    dress,
    label_axes,
    say_why,
    small_size,
)
from labkit.words import _

__all__ = ["plot_spectrogram", "plot_spectrograms", "plot_waveforms"]

WINDOW_S = 0.02
FLOOR_DB, TOP_DB = -110.0, -30.0
"""Levels that the darkest and the lightest colour stand for, dB below a full-scale sine."""

MAP = "magma"
COLUMNS = 3
TICK_KHZ = 4.0
"""G.711 ends at 4 kHz, G.722 at 8: a tick stands there."""

SAID_KHZ = (4, 8)
"""The text says how loud it is above these."""

WIDTH_INCHES, ROW_INCHES = 9.6, 2.2


def plot_spectrogram(
    sound: Sound,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    top_hz: float = 12_000.0,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw how loud each frequency is at each time; grey is where the sound cannot have any.

    Windows of 20 ms (Hann), half over each other; 0 dB is a sine of full scale.

    Args:
        sound: For instance of ``code_audio(…).sound``.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        top_hz: Where the frequency axis ends.
        kwargs: For ``Axes.imshow`` (``cmap``, ``vmin`` ...).

    Raises:
        BadValue: ``sound`` is no sound.
    """
    _check({"sound": sound})
    axes = axes_for(ax)
    label_axes(axes, title, _("Spectrogram"), _("Time (s)"), _("Frequency (kHz)"))
    image = _draw(axes, sound, top_hz, kwargs)
    if image is None:
        why = _("This sound is too short.")
        say_why(axes, why)
        return drawn(axes, _("Spectrogram") + f". {why}")
    bar = axes.figure.colorbar(image, ax=axes)
    bar.set_label(_("Level (dB)"), fontsize=small_size(axes))
    return drawn(axes, _("Spectrogram") + f". {_said(sound)}.")


def plot_spectrograms(
    sounds: Mapping[str, Sound], *, top_hz: float = 12_000.0, title: str | None = None
) -> tuple[Figure, list[Axes]]:
    """Draw the spectrograms of several sounds side by side, in the same colours.

    Args:
        sounds: By name, at least one.
        top_hz: Where the frequency axes end.
        title: Over the page.

    Raises:
        BadValue: There is none, or something is no sound.
    Notebook: notebooks/02-codecs.ipynb
    """
    _check(sounds)
    columns = min(COLUMNS, len(sounds))
    rows = math.ceil(len(sounds) / columns)
    figure = LabFigure((WIDTH_INCHES, ROW_INCHES * rows + 0.5))
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    places = grid.ravel().tolist()
    images = []
    for axes, (name, sound) in zip(places, sounds.items(), strict=False):
        dress(axes, 0.9).set_title(name)
        images.append(_draw(axes, sound, top_hz, {}))
        describe_axes(axes, _("Spectrogram") + f", {name}. {_said(sound)}.")
    for axes in places[len(sounds) :]:
        axes.set_axis_off()
    _outer_labels(grid, len(sounds))
    shown = [image for image in images if image is not None]
    if shown:
        bar = figure.colorbar(shown[0], ax=places, aspect=40)
        bar.set_label(_("Level (dB)"), fontsize=small_size(places[0]))
    if title is not None:
        figure.suptitle(title, fontsize=places[0].title.get_fontsize())
    return Drawn((figure, places[: len(sounds)]))


def _outer_labels(grid: NDArray[Any], count: int) -> None:
    """Label the time below each column, also where its last row is empty."""
    for axes in grid.ravel()[max(0, count - grid.shape[1]) : count]:
        axes.set_xlabel(_("Time (s)"))
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel(_("Frequency (kHz)"))


def _draw(ax: Axes, sound: Sound, top_hz: float, kwargs: dict[str, Any]) -> AxesImage | None:
    levels = _levels_db(sound)
    if not levels.size:
        return None
    ax.set_facecolor("0.75")
    ax.grid(False)
    style = {"cmap": MAP, "vmin": FLOOR_DB, "vmax": TOP_DB, "aspect": "auto", "origin": "lower"}
    extent = (0.0, sound.duration_s, 0.0, sound.rate / 2000)
    image = ax.imshow(levels, **{**style, **kwargs}, extent=extent, interpolation="nearest")
    ax.set_ylim(0, top_hz / 1000)
    if top_hz >= 2000 * TICK_KHZ:
        ax.yaxis.set_major_locator(MultipleLocator(TICK_KHZ))
    return image


def _levels_db(sound: Sound) -> NDArray[np.float64]:
    """Level of each frequency (rows, from 0 to half the rate) in each window (columns)."""
    size = round(WINDOW_S * sound.rate)
    samples = sound.samples / 32768.0
    if len(samples) < size:
        return np.empty((0, 0))
    window = np.hanning(size)
    parts = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    amplitude = np.abs(np.fft.rfft(parts * window, axis=1)) / (window.sum() / 2)
    levels: NDArray[np.float64] = 20 * np.log10(np.maximum(amplitude.T, 1e-9))
    return levels


def _said(sound: Sound) -> str:
    """Return how loud it is above some frequencies, in words."""
    spectrum = np.abs(np.fft.rfft(sound.samples / 32768.0)) ** 2
    frequency = np.fft.rfftfreq(len(sound.samples), 1 / sound.rate)
    whole = float(spectrum.sum())
    if whole == 0:
        return _("Silence")
    texts = []
    for khz in SAID_KHZ:
        share = float(spectrum[frequency > khz * 1000].sum()) / whole
        texts.append(_("{share:.2%} of the power above {khz} kHz").format(share=share, khz=khz))
    return ", ".join(texts)


def plot_waveforms(
    sounds: Mapping[str, Sound],
    *,
    from_s: float = 0.0,
    to_s: float | None = None,
    lost: Iterable[tuple[float, float]] = (),
    title: str | None = None,
) -> tuple[Figure, list[Axes]]:
    """Draw sounds below each other, with what was lost in a colour of its own.

    Args:
        sounds: By name, at least one.
        from_s: Where the time axis begins.
        to_s: Where it ends; at the end of the longest sound without it.
        lost: Beginning and end of each loss, in seconds.
        title: Over the page.

    Raises:
        BadValue: There is none, something is no sound, or the time axis has no length.
    Notebook: notebooks/02-codecs.ipynb
    """
    _check(sounds)
    gaps = list(lost)
    end_s = max(sound.duration_s for sound in sounds.values()) if to_s is None else to_s
    if not 0 <= from_s < end_s:
        raise BadValue(
            _("There is no sound from {begin:g} to {end:g} s.").format(begin=from_s, end=end_s),
            next_step=_("Use a beginning from 0 s and an end after it."),
        )
    figure = LabFigure((WIDTH_INCHES, 1.6 * len(sounds) + 1.1))
    places = figure.subplots(len(sounds), 1, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (name, sound) in zip(places, sounds.items(), strict=True):
        dress(axes, 0.9).set_title(name, loc="left")
        _wave(axes, sound, from_s, end_s)
        for begin, stop in gaps:
            axes.axvspan(begin, stop, color=COLORS[1], alpha=0.25, lw=0, gid="lost")
        describe_axes(axes, _levels_said(name, sound, from_s, end_s, gaps))
    places[-1].set_xlabel(_("Time (s)"))
    figure.supylabel(_("Amplitude (full scale is 1)"), fontsize=small_size(places[0]))
    own = _("Shaded: lost packets") if gaps else _("Sound over time")
    figure.suptitle(own if title is None else title, fontsize=places[0].title.get_fontsize() + 1)
    return Drawn((figure, places.tolist()))


def _wave(ax: Axes, sound: Sound, from_s: float, to_s: float) -> None:
    first, last = (round(at * sound.rate) for at in (from_s, to_s))
    samples = sound.samples[first:last] / 32768.0
    ax.plot((first + np.arange(len(samples))) / sound.rate, samples, color=COLORS[0], lw=1.2)
    ax.set_xlim(from_s, to_s)


def _levels_said(
    name: str, sound: Sound, from_s: float, to_s: float, gaps: list[tuple[float, float]]
) -> str:
    """Return how loud a sound is, and how loud within what was lost."""
    texts = [_("{name}: {level} altogether").format(name=name, level=_level(sound, from_s, to_s))]
    for begin, stop in gaps:
        texts.append(
            _("{level} where packets were lost, {begin:.2f} to {end:.2f} s").format(
                level=_level(sound, begin, stop), begin=begin, end=stop
            )
        )
    return ", ".join(texts) + "."


def _level(sound: Sound, from_s: float, to_s: float) -> str:
    part = Sound(sound.samples[round(from_s * sound.rate) : round(to_s * sound.rate)], sound.rate)
    level = part.level_dbfs
    return _("silence") if math.isinf(level) else _("{level:.0f} dBFS").format(level=level)


def _check(sounds: Mapping[str, Sound]) -> None:
    wrong = [name for name, sound in sounds.items() if not isinstance(sound, Sound)]
    if wrong or not sounds:
        raise BadValue(
            _("{name!r} is no sound.").format(name=wrong[0])
            if wrong
            else _("There is no sound to draw."),
            next_step=_("Use sounds of labkit.codecs, for instance speech_like()."),
        )
