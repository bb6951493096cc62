"""What a page draws on its canvas is the stamp that Python writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from labkit.media.stamp import NUMBERS, write_stamp

WRITER = Path(__file__).with_name("draw_stamp.mjs")
SENT = [0, 1, 345, 8_388_608, NUMBERS - 1]


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("size", [(640, 480), (320, 180), (426, 240), (161, 121), (1280, 720)])
def test_javascript_draws_the_same(size: tuple[int, int]) -> None:
    width, height = size
    arguments = [*map(str, size), *map(str, SENT)]
    drawn = subprocess.run(
        ["node", str(WRITER), *arguments], capture_output=True, timeout=30, check=True
    )
    pictures = np.frombuffer(drawn.stdout, np.uint8).reshape(len(SENT), height, width)
    for number, picture in zip(SENT, pictures, strict=True):
        expected = np.full((height, width), 128, np.uint8)
        write_stamp(expected, number)
        assert np.array_equal(picture, expected)
