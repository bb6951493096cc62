"""A chirp sent by one peer is found in the sound of the other."""

from __future__ import annotations

import asyncio

import labkit as lab
from labkit.media import Chirp


def test_chirps_are_marked_in_the_rows_of_the_frames_that_carry_them() -> None:
    run = asyncio.run(lab.call(audio=Chirp()).record(3.2, progress=False))
    heard = run.audio[run.audio["marker"].notna()]
    assert len(heard) >= 2
    assert heard["marker"].diff().dropna().mod(4).eq(1).all(), "consecutive chirps, in order"
    # Fifty frames a second: a chirp begins in frame 0, 50, 100 …, the codec delays it by 6.5 ms.
    assert set(heard["frame"] % 50) <= {0, 1}
    assert (heard["frame"] // 50 % 4 == heard["marker"]).all()


def test_a_tone_has_no_marks() -> None:
    run = asyncio.run(lab.call(audio=lab.Tone()).record(1.5, progress=False))
    assert run.audio["marker"].isna().all()
    assert run.audio["level_dbfs"].dropna().between(-30, -15).all()
