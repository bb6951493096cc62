"""When is a frame complete? The jitter buffers that a call can choose from.

A jitter buffer is any class with the interface of ``JitterBufferLike``: the ones here, or one
that a student writes in a cell.
"""

from __future__ import annotations

from typing import Any, Protocol

from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

from labkit.errors import BadValue, CallError
from labkit.words import _

__all__ = [
    "JITTER_BUFFERS",
    "JitterBufferLike",
    "MarkerJitterBuffer",
    "jitter_buffer_class",
    "new_jitter_buffer",
]

GIVE_UP_S = 0.4
"""How long a hole may hold back newer frames before it is skipped and a key frame asked for."""

VIDEO_CLOCK_HZ = 90_000
HALF = 1 << 15


class JitterBufferLike(Protocol):
    """What a receiver needs of a jitter buffer.

    It is made as ``Class(capacity, is_video=True)``: ``capacity`` is a number of packets.
    """

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take one packet; return whether a key frame is needed, and the next complete frame.

        ``packet`` has ``sequence_number`` (16 bits), ``timestamp`` (90 kHz), ``marker``
        (1 on the last packet of a frame) and ``_data`` (the piece of the encoded frame).
        """
        ...


class MarkerJitterBuffer:
    """Complete a frame as soon as the packet with its marker bit is there.

    aiortc's own buffer waits for a packet of the *next* frame, which costs one frame interval.
    The marker bit says the same thing at once (RFC 3551 section 5.1, RFC 7741 section 4.1).
    A hole that holds back newer frames for ``GIVE_UP_S`` is skipped, up to the next frame that
    is whole.

    Args:
        capacity: Packets that the buffer holds at most.
        is_video: There for the common interface; audio has no marker on each frame.

    Notebook: notebooks/06-latency.ipynb
    """

    def __init__(self, capacity: int, is_video: bool = True) -> None:
        self._capacity = capacity
        self._packets: dict[int, RtpPacket] = {}
        self._next: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take one packet; return whether a key frame is needed, and the next complete frame."""
        if self._next is None:
            self._next = packet.sequence_number
        if _distance(packet.sequence_number, self._next) < 0:
            return False, None  # its frame has been released or given up
        self._packets[packet.sequence_number] = packet
        frame = self._take()
        if frame is not None:
            return False, frame
        if self._must_give_up(packet):
            self._skip_hole()
            return True, self._take()
        return False, None

    def _take(self) -> JitterFrame | None:
        assert self._next is not None
        pieces: list[Any] = []
        sequence = self._next
        while (packet := self._packets.get(sequence)) is not None:
            pieces.append(packet)
            sequence = (sequence + 1) & 0xFFFF
            if packet.marker:
                self._forget(pieces, sequence)
                return JitterFrame(b"".join(piece._data for piece in pieces), packet.timestamp)
        return None

    def _forget(self, pieces: list[Any], following: int) -> None:
        for piece in pieces:
            del self._packets[piece.sequence_number]
        self._next = following

    def _must_give_up(self, newest: RtpPacket) -> bool:
        oldest = min(self._packets, key=lambda sequence: _distance(sequence, self._next))
        waited = (newest.timestamp - self._packets[oldest].timestamp) & 0xFFFFFFFF
        too_old = waited < 1 << 31 and waited > GIVE_UP_S * VIDEO_CLOCK_HZ
        return too_old or len(self._packets) >= self._capacity

    def _skip_hole(self) -> None:
        """Go on after the first marker behind the hole: the first place a frame can start."""
        for sequence in sorted(self._packets, key=lambda s: _distance(s, self._next)):
            packet = self._packets.pop(sequence)
            self._next = (sequence + 1) & 0xFFFF
            if packet.marker and self._next in self._packets:
                return


def _distance(sequence: int, origin: int | None) -> int:
    """Return how far a 16-bit sequence number is ahead of ``origin`` (negative: behind)."""
    assert origin is not None
    return ((sequence - origin + HALF) & 0xFFFF) - HALF


JITTER_BUFFERS: dict[str, type[Any]] = {"marker": MarkerJitterBuffer, "stock": JitterBuffer}
"""Jitter buffers by the name that ``lab.call(jitter_buffer=…)`` takes."""


def jitter_buffer_class(choice: str | type[Any]) -> type[Any]:
    """Return the class that a call's ``jitter_buffer`` argument names.

    Raises:
        BadValue: The name is unknown, or the class has no ``add`` method.
    """
    if isinstance(choice, type) and callable(getattr(choice, "add", None)):
        return choice
    if isinstance(choice, str) and choice in JITTER_BUFFERS:
        return JITTER_BUFFERS[choice]
    raise BadValue(
        _("jitter_buffer={choice!r} is not a jitter buffer.").format(choice=choice),
        next_step=_("Use {names}, or a class with a method add(packet).").format(
            names=", ".join(f'"{name}"' for name in JITTER_BUFFERS)
        ),
    )


def new_jitter_buffer(kind: type[Any], present: Any) -> Any:
    """Return a buffer of ``kind`` to take the place of aiortc's own; that one where it is one.

    Raises:
        CallError: The class cannot be made as ``Class(capacity, is_video=True)``.
    """
    if isinstance(present, kind):
        return present
    try:
        return kind(present.capacity, is_video=True)
    except Exception as error:  # it may be a student's own class
        raise CallError(
            _("The jitter buffer {name} could not be made: {kind}: {error}.").format(
                name=kind.__name__, kind=type(error).__name__, error=error
            ),
            _("It is made as {name}(capacity, is_video=True).").format(name=kind.__name__),
            _("Mend the class and start the call again."),
        ) from error
