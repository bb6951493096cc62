"""Signaling inside one process: two strings are handed over."""

from __future__ import annotations

from labkit.signaling.base import Note, Rewrite, Side

__all__ = ["CommSignaling", "MemorySignaling"]


class MemorySignaling:
    """Hands the offer to the answerer and the answer back (RFC 3264), with all candidates."""

    name = "memory"

    async def exchange(self, offerer: Side, answerer: Side, rewrite: Rewrite, note: Note) -> None:
        """Let two sides agree."""
        offer = await rewrite(offerer.name, answerer.name, await offerer.create_offer())
        note(offerer.name, answerer.name, "offer", offer)
        answer = await answerer.create_answer(offer)
        answer = await rewrite(answerer.name, offerer.name, answer)
        note(answerer.name, offerer.name, "answer", answer)
        await offerer.set_answer(answer)


class CommSignaling(MemorySignaling):
    """The same, where one side answers from a web page: the notebook's comm carries it there."""

    name = "comm"
