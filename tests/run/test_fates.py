"""A packet that no peer saw arrive has the fate that the relay saw, or none."""

from __future__ import annotations

from typing import Any

from labkit.run.fates import settle_fates
from labkit.run.schema import COLUMNS, row

FATE = COLUMNS["packets"].index("fate")


def packet(layer: str, sequence: int, sent_s: float, fate: str | None, **more: Any) -> Any:
    values = {"sender": "alice", "receiver": "bob", "kind": "rtp", "copy": 0, "ssrc": 7, **more}
    return row("packets", layer=layer, sequence=sequence, sent_s=sent_s, fate=fate, **values)


def fates(*packets: Any) -> list[str | None]:
    settled = settle_fates(packets)
    assert settle_fates(settled) == settled  # a run may be joined twice
    return [line[FATE] for line in settled if line[COLUMNS["packets"].index("layer")] == "rtp"]


def test_the_relay_knows_better() -> None:
    rtp = [packet("rtp", k, k / 100, "lost") for k in range(4)]
    wire = [
        packet("wire", 0, 0.001, "delivered", arrived_s=1.2),
        packet("wire", 1, 0.011, "lost"),
        packet("wire", 2, 0.021, "queue_full"),
    ]  # the last one was under way when the recording ended
    assert fates(*rtp, *wire) == ["delivered", "lost", "queue_full", None]


def test_a_number_that_comes_again_is_another_packet() -> None:
    early, late = packet("wire", 5, 1.0, "delivered"), packet("wire", 5, 700.0, "lost")
    assert fates(early, late, packet("rtp", 5, 700.0, "lost")) == ["lost"]
    assert fates(early, packet("rtp", 5, 700.0, "lost")) == [None]


def test_what_a_peer_saw_stands_and_what_nobody_knows_stays_open() -> None:
    seen = packet("rtp", 1, 0.1, "delivered", arrived_s=0.2)
    assert fates(seen, packet("wire", 1, 0.1, "lost")) == ["delivered"]
    assert fates(packet("rtp", 1, 0.1, None), packet("wire", 1, 0.1, "lost")) == [None]  # an SFU's
    assert fates(packet("rtp", 1, 0.1, "lost")) == ["lost"]  # no relay
    other = packet("wire", 1, 0.1, "delivered", sender="bob", receiver="alice")
    assert fates(packet("rtp", 1, 0.1, "lost"), other) == ["lost"]
