"""Data, text and remote calls between participants, measured: what is answered, and how soon.

One participant echoes, the other asks: ``await room.ask("bob", echo)``, then ``await
room.ask("alice", lambda peer: measure_data(peer, "bob", reliable=False))``.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from labkit.errors import BadValue, CallError
from labkit.peers.sdkseries import Answers, Series, check_number
from labkit.words import _

if TYPE_CHECKING:
    from labkit.peers.sdk import SdkPeer

__all__ = ["Answers", "echo", "measure_data", "measure_rpc", "measure_text"]

ASK, ANSWER = "lab-ask", "lab-answer"
"""Topics of what is sent there (data: with the sender's name) and back; and a remote method."""

MOST_BYTES = 60_000
"""The SDK's limit is 64,000 bytes with the packet's own header and topic."""

MOST_ECHOES = 1_000
"""Answers that may be under way; what comes beyond is not answered."""

RPC_S = 10.0

_NUMBER = struct.Struct("!I")


def echo(peer: SdkPeer) -> None:
    """Answer data, text and remote calls of the others from now on; twice is once.

    Args:
        peer: A participant that has joined.
    """
    room = peer.room
    if "echo" in peer.helpers:
        return
    peer.helpers.add("echo")
    pending: set[asyncio.Task[Any]] = set()

    def answer(work: Awaitable[Any]) -> None:
        pending.add(task := peer.spawn(work))
        task.add_done_callback(pending.discard)

    def on_data(packet: rtc.DataPacket) -> None:
        # The packet's participant is None for the first seconds of somebody who is new.
        topic, _slash, who = (packet.topic or "").partition("/")
        if topic == ASK and len(pending) < MOST_ECHOES:
            reliable = packet.kind == rtc.DataPacketKind.KIND_RELIABLE
            _write(peer, who, peer.name, _data_channel(reliable), packet.data)
            answer(_publish(room, packet.data, reliable, who, ANSWER))

    def on_text(reader: rtc.TextStreamReader, who: str) -> None:
        async def reply() -> None:
            text = await reader.read_all()
            await room.local_participant.send_text(text, topic=ANSWER, destination_identities=[who])

        if len(pending) < MOST_ECHOES:
            answer(reply())

    async def on_call(call: rtc.RpcInvocationData) -> str:
        return call.payload

    room.on("data_received", on_data)
    room.register_text_stream_handler(ASK, on_text)
    room.local_participant.register_rpc_method(ASK, on_call)


async def measure_data(
    peer: SdkPeer,
    to: str,
    *,
    reliable: bool = True,
    count: int = 100,
    rate_hz: float = 50,
    size_bytes: int = 100,
    wait_s: float = 2.0,
) -> Answers:
    """Send data packets at a steady rate and wait for their echoes.

    Each goes into ``messages`` (name: its number), each answer into ``samples``
    (``rtt_ms:data reliable`` or ``rtt_ms:data lossy``).

    Args:
        peer: Who sends.
        to: The participant that echoes.
        reliable: Whether what is lost is sent again.
        count: How many, from 1.
        rate_hz: How many a second, up to 1000.
        size_bytes: Of each, 4 to 60,000.
        wait_s: How long after the last one answers are waited for.

    Raises:
        BadValue: An argument is out of its range, or nobody is called ``to``.
        CallError: The token gives no right to send data.
    """
    check_number("size_bytes", size_bytes, _NUMBER.size, MOST_BYTES)
    room = _room_with(peer, to)
    channel = _data_channel(reliable)
    series = Series(peer, channel, count, rate_hz, wait_s)

    def on_data(packet: rtc.DataPacket) -> None:
        if packet.topic == ANSWER and len(packet.data) >= _NUMBER.size:
            series.answered(_NUMBER.unpack_from(packet.data)[0])

    async def send(number: int) -> None:
        data = _NUMBER.pack(number).ljust(size_bytes, b".")
        _write(peer, peer.name, to, channel, data)
        await _publish(room, data, reliable, to, f"{ASK}/{room.local_participant.identity}")

    room.on("data_received", on_data)
    try:
        return await series.run(send)
    finally:
        room.off("data_received", on_data)


async def measure_text(
    peer: SdkPeer,
    to: str,
    *,
    count: int = 20,
    rate_hz: float = 10,
    size_bytes: int = 100,
    wait_s: float = 2.0,
) -> Answers:
    """Send texts (text streams) and wait for their echoes; arguments as ``measure_data``.

    Args:
        size_bytes: Of each, 10 to 10,000,000.
    """
    check_number("size_bytes", size_bytes, 10, 10_000_000)
    room = _room_with(peer, to)
    series = Series(peer, "text", count, rate_hz, wait_s)

    def on_text(reader: rtc.TextStreamReader, _who: str) -> None:
        async def read() -> None:
            series.answered(int((await reader.read_all())[:9]))

        peer.spawn(read())

    async def send(number: int) -> None:
        text = f"{number:09d} ".ljust(size_bytes, ".")
        await room.local_participant.send_text(text, topic=ASK, destination_identities=[to])

    room.register_text_stream_handler(ANSWER, on_text)
    try:
        return await series.run(send)
    finally:
        room.unregister_text_stream_handler(ANSWER)


async def measure_rpc(
    peer: SdkPeer, to: str, *, count: int = 20, rate_hz: float = 10, size_bytes: int = 100
) -> Answers:
    """Call the echo of another participant; arguments as ``measure_data``.

    Args:
        size_bytes: Of each payload, 10 to 60,000.
    """
    check_number("size_bytes", size_bytes, 10, MOST_BYTES)
    room = _room_with(peer, to)
    series = Series(peer, "rpc", count, rate_hz, RPC_S)

    async def call(number: int) -> None:
        payload = f"{number:09d} ".ljust(size_bytes, ".")
        try:
            answer = await room.local_participant.perform_rpc(
                destination_identity=to, method=ASK, payload=payload
            )
        except rtc.RpcError as error:
            peer.event("rpc_failed", {"code": error.code, "message": error.message})
            series.given_up(number)
        else:
            series.answered(int(answer[:9]))

    async def send(number: int) -> None:
        peer.spawn(call(number))

    return await series.run(send)


async def _publish(room: rtc.Room, data: bytes, reliable: bool, to: str, topic: str) -> None:
    try:
        await room.local_participant.publish_data(
            data, reliable=reliable, destination_identities=[to], topic=topic
        )
    except PublishDataError as error:
        raise CallError(
            _("The SDK could not send the data."),
            _("It says: {words}.").format(words=error.message.rstrip(".")),
        ) from error


def _write(peer: SdkPeer, sender: str, receiver: str, channel: str, data: bytes) -> None:
    number = str(_NUMBER.unpack_from(data)[0]) if len(data) >= _NUMBER.size else ""
    # The sender's row and the receiver's differ by who wrote it: its clock is the Run's.
    name = "sent" if peer.name == sender else "received"
    if peer.tap.recording:
        peer.tap.add("messages", at_s=peer.clock.now(), sender=sender, receiver=receiver,
                     channel=channel, name=name, size_bytes=len(data), body=number)  # fmt: skip


def _data_channel(reliable: bool) -> str:
    return "data reliable" if reliable else "data lossy"


def _room_with(peer: SdkPeer, to: str) -> rtc.Room:
    room = peer.room
    if to not in room.remote_participants:
        raise BadValue(
            _("Nobody in the room is called {name!r}.").format(name=to),
            next_step=_("Use one of: {names}.").format(names=", ".join(room.remote_participants)),
        )
    if not room.local_participant.permissions.can_publish_data:
        raise CallError(
            _("{name} has no right to send data.").format(name=peer.name),
            _("The server would drop it, and say nothing."),
            _("Give the token can_publish_data=True."),
        )
    return room
