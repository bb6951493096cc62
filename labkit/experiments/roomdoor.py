"""The way into a room, and out of it, for the pages of one participant."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.experiments.loop import lab_loop
from labkit.experiments.pages import PageDoor, Take
from labkit.experiments.roomspec import Participant
from labkit.experiments.visits import Visit
from labkit.media.page import PAGE_SOURCES, PageMedia
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.rooms import Room
    from labkit.live.browser import BrowserView

__all__ = ["RoomDoor"]


class RoomDoor(PageDoor):
    """A ``PageDoor`` of a room: its page may leave and come again while the others go on.

    Args:
        room: The room.
        participant: Who comes by this door.
    """

    def __init__(self, room: Room, participant: Participant) -> None:
        name = participant.name
        super().__init__(
            room,
            make_view=self._make_room_view,
            choose=lambda media: room.choose_media(name, media),
            forward=lambda message: room.forward(name, message),
        )
        self._room = room
        self._participant = participant
        self._away: tuple[str, str | None] | None = None
        "State and failure to show while the room runs without this participant."
        described = participant.video or participant.audio
        if described is not None:
            self.media = described.what

    def opened(self) -> Participant:
        """Return the participant with the media that its page was asked to open."""
        return with_media(self._participant, self.media)

    def shut(self, failure: str | None = None) -> None:
        """Let the page end its connection: its participant is not in the room any more.

        Args:
            failure: Why, where it did not leave of itself.
        """
        if self._away is None or failure is not None:
            self._away = ("closed", None) if failure is None else ("broken", failure)
        self.hear_state("closed")

    def hear_state(self, state: str) -> None:
        """Show the room's new state, or that it runs without this participant."""
        if self._owner.state != "running":
            self._away = None
        super().hear_state(state)

    def _state(self) -> tuple[str, str | None]:
        away = self._away if self._owner.state == "running" else None
        return away or super()._state()

    def end(self) -> None:
        """Do what is to be done when the page stops: it leaves; the last one ends the room."""
        room = self._room
        if room.state == "running" and len(room.spec.names) > 1:
            lab_loop.start(self._go())
        else:
            room.close_soon()

    def _start_from(self, page: str, media: str) -> None:
        if media not in PAGE_SOURCES or (self._away is not None and self._away[0] == "starting"):
            return
        room = self._room
        outside = self._away is not None or self._participant.name not in room.spec.names
        moves = page != self.page and len(room.spec.names) > 1
        if room.state == "running" and (outside or moves):
            self._away = ("starting", None)
            lab_loop.start(self._come(page, media))
        else:
            super()._start_from(page, media)

    async def _come(self, page: str, media: str) -> None:
        try:
            if self._participant.name in self._room.spec.names:  # by a page that has gone
                await self._go()
            self.choose(page, media)
            self.show_state()
            await self._room.enter(Visit(self._room, self._participant))
            self._away = None
            self.show_state()
        except LabError as error:
            self.shut(str(error))

    async def _go(self) -> None:
        with contextlib.suppress(LabError):  # the room has ended meanwhile
            await self._room.leave(self._participant.name)

    def _make_room_view(self, take: Take) -> BrowserView:
        from labkit.live.browser import BrowserView

        one = self._participant
        return BrowserView(_wanted(one), take, words=_words(one.name), states=_states(one.name))


def with_media(one: Participant, media: str) -> Participant:
    """Return a participant whose page opens its camera or a test picture.

    Args:
        one: The participant.
        media: ``camera`` or ``test picture``.
    """

    def chosen(source: PageMedia | None) -> PageMedia | None:
        return None if source is None else replace(source, what=media)

    return replace(one, video=chosen(one.video), audio=chosen(one.audio))


def _wanted(one: Participant) -> dict[str, Any]:
    """Return what the page should open and expect, in plain data."""
    return {
        "audio": None if one.audio is None else one.audio.constraints,
        "video": None if one.video is None else one.video.constraints,
        "back": ["audio", "video"] if one.receives else [],
        "codec": one.codec,
    }


def _words(name: str) -> dict[str, str]:
    return {
        "call": _("This browser as “{name}” in the room").format(name=name),
        "connect": _("Join"),
        "theirs": _("What the room sends"),
    }


def _states(name: str) -> dict[str, str]:
    texts = {
        "new": _("“{name}” is not in the room. Nothing is opened before you press a button."),
        "starting": _("“{name}” is joining: if the browser asks for the camera, allow it."),
        "running": _("This page is “{name}” in the room."),
        "closed": _("“{name}” has left, and the camera is off. A button joins again."),
        "broken": _("The room broke. A button opens it again."),
    }
    return {state: text.format(name=name) for state, text in texts.items()}
