"""Every private name of aiortc and aioice that the lab touches, in one place.

They are hooks on instances; nothing here changes a class or a module. ``CONTRACT`` is what
``tests/peers/test_private.py`` checks against the installed versions.
"""

from __future__ import annotations

import queue
from collections.abc import Awaitable, Callable
from typing import Any

from aioice import stun
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender

__all__ = [
    "CONTRACT",
    "consent_ended",
    "decoder_queue",
    "encoder_of",
    "ice_connections",
    "nominated_pair",
    "replace_consent",
    "replace_jitter_buffer",
    "stay_on_loopback",
    "transports_of",
    "wrap",
]

LOOPBACK = "127.0.0.1"

CONSENT_REPEATS = 5
"""How often a check of consent is sent again, at 0.5, 1.5, 3.5, 7.5 and 15.5 s."""

CONTRACT: dict[str, tuple[str, ...]] = {
    "aiortc.RTCRtpSender": (
        "_next_encoded_frame",
        "_send_keyframe",
        "_ssrc",
        "_rtx_ssrc",
        "_RTCRtpSender__encoder",
    ),
    "aiortc.RTCRtpReceiver": (
        "_handle_rtp_packet",
        "_RTCRtpReceiver__jitter_buffer",
        "_RTCRtpReceiver__decoder_queue",
    ),
    "aiortc.RTCDtlsTransport": ("_send_rtp",),
    "aiortc.RTCIceTransport": ("_connection",),
    "aiortc.codecs.h264.H264Encoder": ("_packetize",),
    "aiortc.codecs.vpx.Vp8Encoder": ("_packetize",),
    "aiortc.jitterbuffer.JitterBuffer": ("add", "capacity"),
    "aioice.Connection": (
        "_nominated",
        "_protocols",
        "_query_consent_task",
        "build_request",
        "get_component_candidates",
        "query_consent",
    ),
    "aioice.ice.StunProtocol": ("datagram_received", "request", "send_data", "send_stun"),
}
"""Attributes by the dotted name of their class."""


def wrap(instance: object, method: str, around: Callable[[Any], Any]) -> None:
    """Replace ``instance.method`` by ``around(original)`` on this instance alone."""
    setattr(instance, method, around(getattr(instance, method)))


def replace_jitter_buffer(receiver: RTCRtpReceiver, change: Callable[[Any], Any]) -> None:
    """Put ``change(present buffer)`` in the place of a receiver's jitter buffer."""
    present = receiver._RTCRtpReceiver__jitter_buffer  # type: ignore[attr-defined]
    receiver._RTCRtpReceiver__jitter_buffer = change(present)  # type: ignore[attr-defined]


def decoder_queue(receiver: RTCRtpReceiver) -> queue.Queue[Any]:
    """Return the queue of complete frames that wait for the decoder."""
    found: queue.Queue[Any] = receiver._RTCRtpReceiver__decoder_queue  # type: ignore[attr-defined]
    return found


def encoder_of(sender: RTCRtpSender) -> Any:
    """Return the sender's encoder, or None before the first frame."""
    return sender._RTCRtpSender__encoder  # type: ignore[attr-defined]


def transports_of(pc: RTCPeerConnection) -> list[Any]:
    """Return the DTLS transports of a peer connection, each once."""
    found = [transceiver.sender.transport for transceiver in pc.getTransceivers()]
    if pc.sctp is not None:
        found.append(pc.sctp.transport)
    return list(dict.fromkeys(found))


def ice_connections(pc: RTCPeerConnection) -> list[Any]:
    """Return the aioice connections of a peer connection, each once."""
    return [dtls.transport._connection for dtls in transports_of(pc)]


def nominated_pair(pc: RTCPeerConnection) -> dict[str, str] | None:
    """Return ``local`` and ``remote`` of the pair that ICE has agreed on, None before that."""
    for connection in ice_connections(pc):
        pair = connection._nominated.get(1)
        if pair is not None:
            local, remote = pair.local_candidate, pair.remote_candidate
            return {
                "local": f"{local.host}:{local.port} {local.type}",
                "remote": f"{remote.host}:{remote.port} {remote.type}",
            }
    return None


def stay_on_loopback(connection: Any) -> None:
    """Make an aioice connection gather one host candidate, on 127.0.0.1.

    aioice offers every address but loopback, so a laptop without a network gathers nothing.
    """

    def around(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def gather(component: int, addresses: list[str], timeout: int = 5) -> Any:
            return await original(component=component, addresses=[LOOPBACK], timeout=timeout)

        return gather

    wrap(connection, "get_component_candidates", around)


def replace_consent(
    connection: Any, keep: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
) -> None:
    """Let ``keep(ask)`` say how long an aioice connection may send: it ends when that returns.

    ``ask`` sends a check on the pair that ICE has agreed on, and returns whether it was answered.
    """

    async def query_consent() -> None:
        await keep(lambda: _is_answered(connection))
        connection.lab_consent_ended = True
        connection._query_consent_task = None  # it would cancel itself
        await connection.close()

    connection.query_consent = query_consent


def consent_ended(pc: RTCPeerConnection) -> bool:
    """Return whether a peer connection ended because nobody answered any more."""
    return any(hasattr(each, "lab_consent_ended") for each in ice_connections(pc))


async def _is_answered(connection: Any) -> bool:
    try:
        for pair in list(connection._nominated.values()):
            await pair.protocol.request(
                connection.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=connection.remote_password.encode(),
                retransmissions=CONSENT_REPEATS,
            )
    except stun.TransactionError:
        return False
    return True
