"""What every way of signaling shares: how long a message was on the wire."""

from __future__ import annotations

import pickle

from labkit.signaling.base import Body, wire_size


def test_a_text_is_as_long_as_its_bytes() -> None:
    assert wire_size("") == 0
    assert wire_size("v=0\r\n") == 5
    assert wire_size("Zoë") == 4


def test_a_readable_message_knows_how_long_it_was() -> None:
    body = Body.of('{"cid": "camera"}', 9)
    assert body == '{"cid": "camera"}' and wire_size(body) == 9
    assert wire_size(Body.of("1000", 0)) == 0


def test_it_travels_as_plain_text() -> None:
    travelled = pickle.loads(pickle.dumps(Body.of("offer", 3)))
    assert (type(travelled), travelled) == (str, "offer")
