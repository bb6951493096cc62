"""Small things that the tests of the codec bench share."""

from __future__ import annotations

from functools import lru_cache

from labkit.codecs import Clip, read_clip
from labkit.media import TestPattern


@lru_cache
def small_clip(frames: int = 8) -> Clip:
    """Return a few small pictures."""
    return read_clip(TestPattern(160, 120, fps=20), frames / 20)
