"""Values of a room over time: round trips, bitrates, and the server's own counters."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import aiohttp

from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.experiments.roomsession import RoomSession

__all__ = ["sample_room_forever"]

EVERY_S = 1.0

_SECONDS_TO_MS = 1000


async def sample_room_forever(session: RoomSession) -> None:
    """Add rows of ``samples`` once a second while somebody records.

    For a labkit participant: ``received_kbps`` (on the wire, with headers, over all its
    connections), and by track ``rtt_ms`` (to the server, from RTCP), ``sent_kbps`` (payload) and
    ``packets_lost``. For the SDK what it tells of itself. For the server (peer ``sfu``) its
    Prometheus counters by their own names, those about media and people
    (``labkit.rooms.metrics.ABOUT_MEDIA``); they lag.
    """
    import prometheus_client.parser  # now, while nobody records: it takes some 50 ms

    assert prometheus_client.parser
    before: dict[tuple[str, str], tuple[float, int]] = {}
    received: WeakKeyDictionary[Any, tuple[float, int]] = WeakKeyDictionary()
    headers = {"Authorization": session.spec.access.metrics_login}
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=EVERY_S), headers=headers
    ) as client:
        while True:
            await asyncio.sleep(EVERY_S)
            if not session.tap.recording:
                before.clear()
                received.clear()
                continue
            for name, peer in list(session.peers.items()):
                if session.peers.get(name) is peer:  # nobody has left meanwhile
                    await _sample_peer(session, peer, before)
            _sample_received(session, received)
            await _sample_server(session, client)


async def _sample_peer(session: RoomSession, peer: Any, before: dict[Any, Any]) -> None:
    if hasattr(peer, "sample"):
        result = peer.sample(session.clock.now())
        if inspect.isawaitable(result):
            await result
        return
    by_ssrc = {probe.ssrc: probe.track for probe in peer.senders}
    for transceiver in [] if peer.connection_state == "closed" else peer.pc.getTransceivers():
        incoming = peer.incoming_track(transceiver)
        for report in (await transceiver.sender.getStats()).values():
            track = by_ssrc.get(getattr(report, "ssrc", None))
            if track is not None:
                _sample_report(session, peer.name, track, report, before)
        for report in (await transceiver.receiver.getStats()).values():
            if incoming is not None:
                _sample_report(session, peer.name, incoming, report, before)


def _sample_received(session: RoomSession, before: MutableMapping[Any, tuple[float, int]]) -> None:
    """Add what each labkit participant receives, over all its connections."""
    now_s = session.clock.now()
    totals_kbps: dict[str, float] = {}
    for peer in session.peers.values():
        if hasattr(peer, "sample"):
            continue  # it tells of itself
        kbps = _kbps(before, peer, now_s, peer.received_bytes)
        if kbps is not None:
            totals_kbps[peer.name] = totals_kbps.get(peer.name, 0.0) + kbps
    for name, kbps in totals_kbps.items():
        _add(session, now_s, name, None, "received_kbps", kbps)


def _sample_report(
    session: RoomSession, peer: str, track: str, report: Any, before: dict[Any, Any]
) -> None:
    now_s = session.clock.now()

    def add(name: str, value: float | None) -> None:
        _add(session, now_s, peer, track, name, value)

    if report.type == "remote-inbound-rtp" and report.roundTripTime is not None:
        add("rtt_ms", report.roundTripTime * _SECONDS_TO_MS)
        add("packets_lost", report.packetsLost)
    elif report.type == "outbound-rtp":
        add("sent_kbps", _kbps(before, (peer, track), now_s, report.bytesSent))
    elif report.type == "inbound-rtp":
        add("packets_lost", report.packetsLost)


def _add(
    session: RoomSession,
    at_s: float,
    peer: str,
    track: str | None,
    name: str,
    value: float | None,
) -> None:
    if value is not None:
        session.tap.add("samples", at_s=at_s, peer=peer, track=track, name=name, value=value)


def _kbps(before: MutableMapping[Any, Any], key: Any, now_s: float, count: int) -> float | None:
    was = before.get(key)
    before[key] = (now_s, count)
    return None if was is None or now_s <= was[0] else (count - was[1]) * 8e-3 / (now_s - was[0])


async def _sample_server(session: RoomSession, client: aiohttp.ClientSession) -> None:
    from labkit.rooms.metrics import is_about_media, lines_about_media, parse_metrics

    url = session.spec.access.metrics_url
    if not url:
        return
    try:
        async with client.get(url) as answer:
            answer.raise_for_status()
            counters = parse_metrics(lines_about_media(await answer.text()))
    except (aiohttp.ClientError, TimeoutError, LabError):
        return  # a server that is down is in the events, and its counters are missing
    now_s = session.clock.now()
    for name, value in counters.items():
        if is_about_media(name):
            _add(session, now_s, "sfu", None, name, value)
