"""Web pages as participants of a room, as the notebook's process sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from labkit.errors import BadValue, CallError, LabError, WaitTimeout
from labkit.experiments.experiment import Experiment
from labkit.experiments.pages import started_by_a_page
from labkit.experiments.roomdoor import RoomDoor, with_media
from labkit.experiments.roomspec import BROWSER, Participant, RoomSpec
from labkit.peers.remote import ANSWER_S, PERMISSION_S
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.rooms import Room
    from labkit.live.browser import BrowserView

__all__ = ["PagesInRoom"]


class PagesInRoom(Experiment[RoomSpec]):
    """What a room does for participants of ``engine="browser"``; each has a widget.

    A button of the widget starts the room, or lets its page join one that runs. So do
    ``await room.start()`` and ``await room.join(...)``, while a page shows the widget.
    """

    def __init__(self, spec: RoomSpec) -> None:
        super().__init__(spec)
        self._doors: dict[str, RoomDoor] = {}
        if any(_pages(spec)):
            self.start_within_s += PERMISSION_S
        self.listen(self._hear_page)

    def page(self, one: str | Participant | None = None) -> BrowserView:
        """Return the widget of a participant in a browser: buttons, pictures, the state in words.

        Args:
            one: Its name, or what ``lab.participant`` returns for somebody who comes later; None
                where only one participant of this room has ``engine="browser"``.

        Raises:
            BadValue: There is no such participant.
        """
        if not isinstance(one, Participant):
            one = _named(self.spec, one)
        return self._door(one).show()

    async def connected(self, within_s: float = 60.0) -> Self:
        """Wait until somebody has pressed a button of the widget and the room runs.

        Raises:
            CallError: The room broke while it started.
            WaitTimeout: Nobody did in time.
        """
        await started_by_a_page(self, within_s)
        return self

    def choose_media(self, name: str, media: str) -> None:
        """Note what a page was asked to open; its door is what calls this."""
        people = self.spec.participants
        chosen = tuple(with_media(one, media) if one.name == name else one for one in people)
        self.spec = replace(self.spec, participants=chosen)

    def forward(self, name: str, message: dict[str, Any]) -> None:
        """Pass a message of a page on to the session; on the lab's loop."""
        if self._carrier is not None:
            self._carrier.tell("said", who=name, message=message)

    async def with_page(self, one: Participant) -> Participant:
        """Return a participant who may come in: where it is a page, that page is there.

        Args:
            one: Somebody; only pages are waited for.

        Raises:
            CallError: The page has no widget.
            WaitTimeout: No page shows it.
        """
        if one.engine != BROWSER:
            return one
        door = self._door(one)
        if door.view is None:
            raise _no_page_error(CallError, one.name, _("Its widget was never shown."))
        if door.page not in door.here:
            silent = _("No page that shows its widget came within {seconds:g} s.")
            why = silent.format(seconds=ANSWER_S)
            page = await door.newest(partial(_no_page_error, WaitTimeout, one.name, why))
            door.choose(page, door.media)
        return door.opened()

    def _door(self, one: Participant) -> RoomDoor:
        if one.name not in self._doors:
            self._doors[one.name] = RoomDoor(cast("Room", self), one)
        return self._doors[one.name]

    # What follows runs on the lab's loop.

    async def _prepare(self) -> None:
        for one in _pages(self.spec):
            await self.with_page(one)
        await super()._prepare()

    def _hear_page(self, name: str, payload: Any) -> None:
        if name == "state":
            for door in self._doors.values():
                door.hear_state(payload)
        elif name in ("describe", "page_out", "page_gone") and payload["who"] in self._doors:
            door = self._doors[payload["who"]]
            if name == "describe":
                door.ask(payload["question"])
            elif self.state == "running":
                door.shut(payload.get("why"))
                if name == "page_gone":
                    door.end()


def _pages(spec: RoomSpec) -> Iterable[Participant]:
    return [one for one in spec.participants if one.engine == BROWSER]


def _named(spec: RoomSpec, name: str | None) -> Participant:
    found = [one for one in _pages(spec) if name in (None, one.name)]
    if len(found) == 1:
        return found[0]
    if name is None:
        raise BadValue(
            _("Which page? {count} participants of this room are in a browser.").format(
                count=len(found)
            ),
            next_step=_('Use lab.participant("me", engine="browser"), then room.page("me").'),
        )
    raise BadValue(
        _("No participant {name!r} of this room is in a browser.").format(name=name),
        next_step=_('Use lab.participant({name!r}, engine="browser").').format(name=name),
    )


def _no_page_error(kind: type[LabError], name: str, why: str) -> LabError:
    return kind(
        _("No page is there for “{name}”.").format(name=name),
        why,
        _(
            "Show its widget in a notebook first: a cell whose last line is “room.page({name!r})”. "
            'Without a browser use engine="livekit".'
        ).format(name=name),
    )
