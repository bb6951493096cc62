"""Pictures that encoders take for a film: edges, textures, a moving camera and somebody in front.

The test pattern is smooth, and easy on encoders. Real pictures have edges and details of every
size; so has an image made of random things that cover each other ("dead leaves").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from labkit.codecs.clip import Clip, Pictures
from labkit.errors import BadValue
from labkit.words import _

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["film_like"]

THINGS = 1500
SMALLEST, LARGEST = 5.0, 0.3
"""Radius in pixels of the smallest thing, and of the largest as a share of the height."""

TEXTURE, GRAIN = 4.0, 1.2
"""Standard deviations in steps of luma: of what is painted on the things, and of the camera's."""

SHIRT, SKIN, HAIR, EYE = (54, 84, 140), (214, 168, 140), (70, 50, 40), (30, 30, 40)

PAN_PX = 2
"""How far the camera turns from picture to picture; even, because colour has half the pixels."""

SWAY_S = 2.2
MAX_S = 10.0


def film_like(
    seconds: float = 2.0, *, width: int = 640, height: int = 360, fps: int = 30, seed: int = 1
) -> Clip:
    """Return a clip as hard to encode as a film: somebody sways before a wall that moves by.

    Source: A. B. Lee, D. Mumford, J. Huang, "Occlusion Models for Natural Images: A Statistical
    Study of a Scale-Invariant Dead Leaves Model", IJCV 41 (2001).

    Args:
        seconds: More than 0, at most 10.
        width: Pixels, even, 160 to 1920.
        height: Pixels, even, 120 to 1080.
        fps: Pictures a second, 1 to 60.
        seed: Any whole number from 0; all that is seen follows from it.

    Raises:
        BadValue: An argument is out of its range.
    Notebook: notebooks/02-codecs.ipynb
    """
    _check(seconds, width, height, fps)
    rng = np.random.default_rng(seed)
    count = max(1, round(seconds * fps))
    wall = _planes(_things(rng, width + PAN_PX * count, height), rng)
    somebody = _planes(_portrait(width, height), rng)
    mask = _silhouette(width, height)
    grain = np.rint(rng.normal(0, GRAIN, (height + 32, width + 32))).astype(np.int16)
    pictures = np.empty((count, height * 3 // 2, width), np.uint8)
    for k in range(count):
        planes = wall.cut(PAN_PX * k, width)
        shift = 2 * round(width * 0.03 * np.sin(2 * np.pi * k / (fps * SWAY_S)))
        planes.cover(somebody, mask, shift)
        down, right = rng.integers(0, 33, 2)
        noise = grain[down : down + height, right : right + width]
        planes.luma[:] = np.clip(planes.luma + noise, 16, 235)
        pictures[k] = planes.joined()
    return Clip(pictures, fps, _("like a film, seed {seed}").format(seed=seed))


def _check(seconds: float, width: int, height: int, fps: int) -> None:
    size = width % 2 == 0 and 160 <= width <= 1920 and height % 2 == 0 and 120 <= height <= 1080
    if not size or not 0 < seconds <= MAX_S or not 1 <= fps <= 60:
        raise BadValue(
            _("There is no clip like a film of {seconds:g} s, {width}x{height}@{fps}.").format(
                seconds=seconds, width=width, height=height, fps=fps
            ),
            next_step=_("Use at most 10 s, even sides from 160x120 to 1920x1080, 1 to 60 fps."),
        )


class _Planes(NamedTuple):
    """The planes of a picture in yuv420p."""

    luma: NDArray[np.uint8]
    blue: NDArray[np.uint8]
    red: NDArray[np.uint8]

    def cut(self, left: int, width: int) -> _Planes:
        """Return a copy of the part from ``left`` on; both are even."""
        halves = slice(left // 2, (left + width) // 2)
        return _Planes(
            self.luma[:, left : left + width].copy(),
            self.blue[:, halves].copy(),
            self.red[:, halves].copy(),
        )

    def cover(self, other: _Planes, mask: NDArray[np.bool_], shift: int) -> None:
        """Draw another picture where ``mask`` is true, both ``shift`` (even) to the right."""
        for plane, source in zip(self, other, strict=True):
            step = self.luma.shape[1] // plane.shape[1]
            where = np.roll(mask, shift, axis=1)[::step, ::step]
            np.copyto(plane, np.roll(source, shift // step, axis=1), where=where)

    def joined(self) -> Pictures:
        """Return the planes below each other, as a Clip keeps them."""
        width = self.luma.shape[1]
        return np.concatenate([plane.reshape(-1, width) for plane in self])


def _planes(image: Image, rng: np.random.Generator) -> _Planes:
    """Return an image with a fine texture on everything in it."""
    width, height = image.size
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    picture = frame.reformat(format="yuv420p").to_ndarray()
    luma = picture[:height].astype(np.float64) + rng.normal(0, TEXTURE, (height, width))
    colours = picture[height:].reshape(2, height // 2, width // 2).astype(np.uint8)
    return _Planes(np.clip(luma, 16, 235).astype(np.uint8), colours[0], colours[1])


def _things(rng: np.random.Generator, width: int, height: int) -> Image:
    """Return things of every size that cover each other."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), (110, 110, 110))
    draw = ImageDraw.Draw(image)
    # As many of each size as make every scale cover the same area: density as radius to the -3.
    ends = SMALLEST**-2, (LARGEST * height) ** -2
    radii = (ends[0] - rng.random(THINGS) * (ends[0] - ends[1])) ** -0.5
    for radius in np.sort(radii)[::-1][rng.permutation(THINGS)]:
        x, y = rng.random(2) * (width, height)
        tall = radius * rng.uniform(0.5, 1.6)
        box = (x - radius, y - tall, x + radius, y + tall)
        colour = tuple((rng.normal(115, 45) + rng.normal(0, 18, 3)).clip(20, 230).astype(int))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return image


Box = tuple[float, float, float, float]
"""Centre x (from the middle) and y, half width, half height: shares of the picture's height."""

HEAD: Box = (0.0, 0.45, 0.16, 0.22)
SHOULDERS: Box = (0.0, 1.08, 0.42, 0.42)


def _silhouette(width: int, height: int) -> NDArray[np.bool_]:
    """Return where somebody's head and shoulders are."""
    y, x = np.mgrid[:height, :width] / height
    covered = np.zeros((height, width), np.bool_)
    for middle, down, half_width, half_height in (HEAD, SHOULDERS):
        across = (x - width / height / 2 - middle) / half_width
        covered |= across**2 + ((y - down) / half_height) ** 2 < 1
    return covered


def _portrait(width: int, height: int) -> Image:
    """Return somebody, whose outline is ``_silhouette``."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), SHIRT)
    draw = ImageDraw.Draw(image)

    def oval(box: Box, colour: tuple[int, int, int]) -> None:
        x, y, wide, tall = (part * height for part in box)
        x += width / 2
        draw.ellipse((x - wide, y - tall, x + wide, y + tall), fill=colour)

    oval((0.0, 0.42, 0.2, 0.22), HAIR)
    oval((0.0, 0.48, 0.14, 0.19), SKIN)
    for side in (-0.055, 0.055):
        oval((side, 0.44, 0.018, 0.014), EYE)
    oval((0.0, 0.56, 0.05, 0.012), (150, 70, 70))
    return image
