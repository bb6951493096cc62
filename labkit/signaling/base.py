"""The interface of a signaling way, and the ways there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["Body", "Note", "Rewrite", "Side", "Signaling", "signaling_named", "wire_size"]

Rewrite = Callable[[str, str, str], Awaitable[str]]
"""``await rewrite(sender, receiver, sdp)`` returns the SDP that the receiver is given."""

Note = Callable[[str, str, str, str], None]
"""``note(sender, receiver, name, body)`` writes down a message of the signaling.

A text that is not what went over the wire is a ``Body``.
"""


class Body(str):
    """A message made readable, which knows how long it was on the wire."""

    size_bytes: int = 0

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Travel to other processes as plain text: they need not know this class."""
        return str, (str(self),)

    @classmethod
    def of(cls, text: str, size_bytes: int) -> Body:
        """Return the text of a message of ``size_bytes`` bytes."""
        body = cls(text)
        body.size_bytes = size_bytes
        return body


def wire_size(body: str) -> int:
    """Return how many bytes a message had: what a ``Body`` says, else those of its text."""
    return body.size_bytes if isinstance(body, Body) else len(body.encode())


class Side(Protocol):
    """One side of an offer/answer exchange (RFC 3264); a peer is one."""

    @property
    def name(self) -> str:
        """Name of the peer."""
        ...

    async def create_offer(self) -> str:
        """Return an SDP offer with all candidates in it."""
        ...

    async def create_answer(self, offer: str) -> str:
        """Take an SDP offer and return the SDP answer, with all candidates in it."""
        ...

    async def set_answer(self, answer: str) -> None:
        """Take the SDP answer to the offer of this side."""
        ...


class Signaling(Protocol):
    """Carries an offer one way and an answer the other."""

    name: str

    async def exchange(self, offerer: Side, answerer: Side, rewrite: Rewrite, note: Note) -> None:
        """Let two sides agree; ``rewrite`` sees every description on its way."""
        ...


def signaling_named(name: str) -> Signaling:
    """Return the signaling way that a call's ``signaling`` argument names.

    Raises:
        BadValue: There is none of that name.
    """
    from labkit.signaling.memory import CommSignaling, MemorySignaling

    ways: dict[str, Callable[[], Signaling]] = {"memory": MemorySignaling, "comm": CommSignaling}
    if name not in ways:
        raise BadValue(
            _("signaling={name!r} is not known.").format(name=name),
            next_step=_("Use one of: {names}.").format(names=", ".join(ways)),
        )
    return ways[name]()
