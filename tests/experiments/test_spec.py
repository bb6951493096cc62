"""A call that cannot be made is refused when it is described, not when it starts."""

from __future__ import annotations

from typing import Any

import pytest

import labkit as lab
from labkit.errors import BadValue
from labkit.experiments import choices
from labkit.peers.codecs import VIDEO_CODECS
from labkit.peers.jitterbuffers import JITTER_BUFFERS


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"codec": "vp9"}, "vp8, h264"),
        ({"signaling": "sip"}, "memory"),
        ({"jitter_buffer": "fast"}, "marker, stock"),
        ({"place": "cloud"}, "worker, kernel"),
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


def test_the_names_are_those_that_the_peers_know() -> None:
    assert set(VIDEO_CODECS) == set(choices.CODECS)
    assert set(JITTER_BUFFERS) == set(choices.JITTER_BUFFERS)
