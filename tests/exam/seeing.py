"""What is on the screen of a page that takes an exam."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from labkit.media.stamp import read_stamp
from tests.timing import SECOND

__all__ = ["moves", "picture", "shows_the_examiner"]

MS = 1000 * SECOND

PIXELS = """async video => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  return canvas.toDataURL('image/png').split(',')[1];
}"""


def picture(page: Any, video: str) -> Image.Image:
    data = page.locator(video).evaluate(PIXELS)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def shows_the_examiner(page: Any) -> bool:
    """Whether the other's picture is the examiner's: its stamp can be read."""
    luma = np.asarray(picture(page, "#theirs").convert("L"))
    return read_stamp(np.ascontiguousarray(luma)) is not None


def moves(page: Any, video: str) -> None:
    playing = "id => document.querySelector(id).videoWidth > 0"
    page.wait_for_function(playing, arg=video, timeout=15 * MS)
    before = page.locator(video).evaluate("video => video.currentTime")
    later = "([id, was]) => document.querySelector(id).currentTime > was + 0.3"
    page.wait_for_function(later, arg=[video, before], timeout=15 * MS)
