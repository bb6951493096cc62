"""A call that cannot be made is refused when it is described, not when it starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import labkit as lab
from labkit.errors import BadValue, LabError
from labkit.experiments import choices
from labkit.peers.codecs import VIDEO_CODECS
from labkit.peers.jitterbuffers import JITTER_BUFFERS


class NoBuffer:
    """A class in which a student has forgotten the method."""


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"codec": "vp9"}, "vp8, h264"),
        ({"signaling": "sip"}, "memory"),
        ({"jitter_buffer": "fast"}, "marker, stock"),
        ({"place": "cloud"}, "worker, kernel"),
        ({"jitter_buffer": NoBuffer}, "no method add"),
        ({"jitter_buffer": np.zeros(2)}, "marker, stock"),
        ({"video": 0}, "TestPattern"),
        ({"video": []}, "TestPattern"),
        ({"video": lab.TestPattern}, "TestPattern"),
        ({"video": np.zeros(2)}, "TestPattern"),
        ({"audio": lab.Tone}, "Tone"),
        ({"back_audio": False}, "Tone"),
    ],
)
def test_a_wrong_choice_is_refused_at_once(wrong: dict[str, Any], allowed: str) -> None:
    with pytest.raises(BadValue, match=allowed):
        lab.call(**wrong)


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"codec": "vp9"}, "vp8, h264"),
        ({"jitter_buffer": "fast"}, "marker, stock"),
        ({"place": 3}, "worker, kernel"),
        ({"seed": True}, "seed=1"),
    ],
)
def test_so_it_is_in_a_mesh(wrong: dict[str, Any], allowed: str) -> None:
    for make in (lab.mesh, lab.mcu):
        with pytest.raises(BadValue, match=allowed):
            make(3, **wrong)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0,), "seconds=0 is not possible"),
        ((math.nan,), "seconds=nan"),
        ((10**400,), "more than 40 digits"),
        ((True,), "seconds=True"),
        (("3",), "from 0.1 to 86,400 s"),
        ((1, 5), "'5' is no name of a file"),
        ((1, b"x"), "no name of a file"),
        ((1, ""), "no name of a file"),
        ((1, "a\0b"), "no name of a file"),
        ((1, "missing/a.run"), "no folder for missing/a.run"),
        ((1, "/"), "no name of a file"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_starts(
    arguments: tuple[Any, ...], told: str
) -> None:
    call = lab.call()
    with pytest.raises(LabError) as caught:
        call.start_recording(*arguments)
    assert told in str(caught.value)
    assert call.state == "new"


def test_the_names_are_those_that_the_peers_know() -> None:
    assert set(VIDEO_CODECS) == set(choices.CODECS)
    assert set(JITTER_BUFFERS) == set(choices.JITTER_BUFFERS)
