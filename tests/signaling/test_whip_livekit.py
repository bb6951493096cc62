"""The WHIP client and LiveKit's own WHIP endpoint."""

from __future__ import annotations

import re
from typing import Any

import pytest

from labkit.media import TestPattern
from labkit.peers.endpoint import Peer
from labkit.rooms.listing import list_room
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import room_token
from labkit.signaling.whip import WhipClient, WhipError
from tests.experiments.helpers import nothing_left, run

SMALL = TestPattern(160, 120, fps=15)


def client(server: LivekitServer, room: str, **grants: Any) -> WhipClient:
    return WhipClient(f"{server.http_url}/whip/v1", room_token(server, "alice", room, **grants))


def fragment(offer: str, ufrag: str | None = None) -> str:
    """Return what RFC 8840 section 9 wants of an offer, with other credentials if asked."""
    lines = [
        line
        for line in offer.splitlines()
        if re.match(r"m=|a=(mid|ice-|candidate|end-of|group)", line)
    ]
    text = "\r\n".join(lines) + "\r\n"
    if ufrag is not None:
        text = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{ufrag}", text)
        text = re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{ufrag * 6}", text)
    return text


def test_a_session_on_the_real_server(livekit_server: LivekitServer) -> None:
    watcher = room_token(livekit_server, "watcher", "whip-1", room_join=False, room_admin=True)

    async def who() -> list[str]:
        there = await list_room(livekit_server.http_url, watcher, "whip-1")
        return [one.identity for one in there]

    async def work() -> None:
        async with Peer("alice", video=SMALL) as peer:
            whip = client(livekit_server, "whip-1")
            async with whip:
                offer = await peer.create_offer()
                answer = await whip.offer(offer)
                assert whip.location and "/whip/v1/PA_" in whip.location
                assert whip.etag and whip.etag in answer  # LiveKit's is the ICE ufrag
                assert [one.url[:5] for one in whip.ice_servers][:1] in (["turn:"], ["stun:"])
                assert await who() == ["alice"]
                await whip.trickle(fragment(offer))
                before = whip.etag
                again = await whip.restart(fragment(offer, "abcd"))
                assert "a=ice-ufrag" in again and whip.etag != before
                whip.etag = before
                with pytest.raises(WhipError):
                    await whip.trickle(fragment(offer))
            assert await who() == []

    with nothing_left():
        run(work())


def test_what_the_real_server_refuses(livekit_server: LivekitServer) -> None:
    async def refused(whip: WhipClient, sdp: str) -> WhipError:
        async with whip:
            with pytest.raises(WhipError) as error:
                await whip.offer(sdp)
        return error.value

    async def work() -> None:
        url = f"{livekit_server.http_url}/whip/v1"
        async with Peer("alice", video=SMALL) as peer:
            offer = await peer.create_offer()
            token = room_token(livekit_server, "alice", "whip-2")
            forged = await refused(WhipClient(url, token[:-4] + "AAAA"), offer)
            assert forged.status == 401 and "(token)" in str(forged)
            assert token[:40] not in str(forged)
            expired = await refused(client(livekit_server, "whip-2", ttl_s=-3600), offer)
            assert expired.status == 401 and "expired" in str(expired)
            nobody = await refused(client(livekit_server, "whip-2", room_join=False), offer)
            assert nobody.status == 401
            nonsense = await refused(WhipClient(url, token), "v=nonsense")
            assert nonsense.status == 400
            elsewhere = await refused(WhipClient(url + "/nowhere/else", token), offer)
            assert elsewhere.status in (404, 405)

    with nothing_left():
        run(work())
