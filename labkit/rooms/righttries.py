"""The child process in which rights are tried: the SDK never loads in the kernel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from livekit import api, rtc
from livekit.rtc.participant import PublishDataError, PublishTrackError

from labkit.process import Pipe
from labkit.rooms.child import serve_work
from labkit.rooms.hiding import hide_tokens
from labkit.rooms.rights import TARGET
from labkit.rooms.rightsaround import (
    ANSWER_WITHIN_S,
    Target,
    forged,
    leave,
    people_of,
    publish_camera,
    until,
    until_true,
)
from labkit.words import _

__all__ = ["main", "try_all"]

Outcome = tuple[str, str, str, str, float]
"""Role, function, outcome (``done``, ``refused``, ``ignored``, ``not tried``), words, ms."""


def main(pipe: Pipe) -> None:
    """Serve one parent: it asks for ``try_all`` once."""
    serve_work(pipe, try_all, lambda: _("Trying the rights broke off."))


async def try_all(
    url: str, room: str, tokens: Mapping[str, str], target: str, watcher: str, minted: str
) -> list[Outcome]:
    """Try every function with every token, and look for what each has changed.

    Args:
        url: The server.
        room: The room that the tokens are for.
        tokens: By role; ``backend`` is tried last, because it changes and removes the target.
        target: Token of the one who is muted, changed and removed.
        watcher: Token that may list who is in the room.
        minted: Token that the backend has made for somebody new.
    """
    async with Target(url, target) as bob, api.LiveKitAPI(url, token=watcher) as seen:
        people = {role: token for role, token in tokens.items() if role != "backend"}
        tries = {role: Tries(role, url, room, token, bob, seen) for role, token in people.items()}
        found: list[Outcome] = []
        try:
            for outcomes in await asyncio.gather(*(one.as_person() for one in tries.values())):
                found += outcomes
            for one in tries.values():
                found += await one.as_backend(forged(people[one.role]))
        finally:
            for one in tries.values():  # the native part has crashed when many left at once
                await one.leave()
        backend = Tries("backend", url, room, tokens["backend"], bob, seen)
        found += backend.not_tried()
        found += await backend.as_backend(minted)
        return found


class Tries:
    """One token, and what can be done with it.

    Args:
        role: Whose token it is.
        url: The server.
        room: The room.
        token: The token.
        target: Whom it is tried on.
        seen: The API of somebody who may look.
    """

    def __init__(
        self, role: str, url: str, room: str, token: str, target: Target, seen: api.LiveKitAPI
    ) -> None:
        self.role = role
        self._url, self._name, self._token = url, room, token
        self._target, self._seen = target, seen
        self._room = rtc.Room()
        self._sources: list[rtc.VideoSource] = []

    async def as_person(self) -> list[Outcome]:
        """Try what somebody in the room does."""
        joined = await self._try("connect", self._connect)
        steps = {
            "publish": self._publish,
            "subscribe": self._subscribe,
            "send_data": self._send_data,
            "set_attributes": self._set_attributes,
        }
        if joined[2] != "done":
            return [joined, *(self._untried(name) for name in steps)]
        return [joined, *await asyncio.gather(*(self._try(*step) for step in steps.items()))]

    async def as_backend(self, minted: str) -> list[Outcome]:
        """Try what is done by the server's API, the harmless first.

        Args:
            minted: A token for somebody new, as this role makes one.
        """
        steps: dict[str, Callable[[], Awaitable[bool]]] = {
            "create_room": self._create_room,
            "list": self._list,
            "mint": lambda: self._join_as_stranger(minted),
            "mute": lambda: self._mute(True),
            "unmute": lambda: self._mute(False),
            "change_rights": self._change_rights,
            "remove": self._remove,
        }
        return [await self._try(name, step) for name, step in steps.items()]

    def not_tried(self) -> list[Outcome]:
        """Return the outcomes of who is nobody in the room."""
        names = ("connect", "publish", "subscribe", "send_data", "set_attributes")
        return [self._untried(name) for name in names]

    async def leave(self) -> None:
        """Leave the room, if it was joined."""
        await leave(self._room)
        for source in self._sources:
            await source.aclose()

    def _untried(self, name: str) -> Outcome:
        return (self.role, name, "not tried", _("not in the room"), 0.0)

    async def _try(self, name: str, step: Callable[[], Awaitable[bool]]) -> Outcome:
        began_s = time.perf_counter()
        outcome, said = "ignored", _("no error, and no effect")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if await step():
                    outcome, said = "done", ""
        except TimeoutError:
            said = _("no answer within {seconds:g} s").format(seconds=ANSWER_WITHIN_S)
        except api.ServerError as error:
            outcome, said = "refused", f"{error.status} {error.message}"
        except (rtc.ConnectError, PublishTrackError, PublishDataError) as error:
            outcome, said = "refused", _short(error.message)
        except aiohttp.ClientError as error:
            outcome, said = "refused", type(error).__name__
        return (self.role, name, outcome, said, (time.perf_counter() - began_s) * 1000)

    async def _connect(self) -> bool:
        await self._room.connect(self._url, self._token)
        return self._room.isconnected()

    async def _publish(self) -> bool:
        _sid, source = await publish_camera(self._room)
        self._sources.append(source)
        mine = self._room.local_participant.identity
        return await self._seen_as(mine, lambda one: bool(one.tracks))

    async def _subscribe(self) -> bool:
        def subscribed() -> bool:
            other = self._room.remote_participants.get(TARGET)
            tracks = other.track_publications.values() if other is not None else ()
            return any(one.track is not None for one in tracks)

        return await until(subscribed)

    async def _send_data(self) -> bool:
        topic = f"tried by {self.role}"
        await self._room.local_participant.publish_data("hello", topic=topic)
        return await until(lambda: topic in self._target.topics)

    async def _set_attributes(self) -> bool:
        me = self._room.local_participant
        await me.set_attributes({"tried": "yes"})
        return await self._seen_as(me.identity, lambda one: one.attributes.get("tried") == "yes")

    async def _create_room(self) -> bool:
        async with self._api() as livekit:
            name = f"{self._name}-{self.role}"
            made = await livekit.room.create_room(api.CreateRoomRequest(name=name, empty_timeout=5))
            return made.name == name

    async def _list(self) -> bool:
        async with self._api() as livekit:
            return TARGET in {one.identity for one in await people_of(livekit, self._name)}

    async def _mute(self, muted: bool) -> bool:
        wanted = api.MuteRoomTrackRequest(
            room=self._name, identity=TARGET, track_sid=self._target.camera, muted=muted
        )
        async with self._api() as livekit:
            await livekit.room.mute_published_track(wanted)
        return await self._seen_as(TARGET, lambda one: one.tracks[0].muted == muted)

    async def _change_rights(self) -> bool:
        rights = api.ParticipantPermission(can_subscribe=True, can_publish_data=False)
        wanted = api.UpdateParticipantRequest(room=self._name, identity=TARGET, permission=rights)
        async with self._api() as livekit:
            await livekit.room.update_participant(wanted)
        return await self._seen_as(TARGET, lambda one: not one.permission.can_publish_data)

    async def _remove(self) -> bool:
        wanted = api.RoomParticipantIdentity(room=self._name, identity=TARGET)
        async with self._api() as livekit:
            await livekit.room.remove_participant(wanted)
        return await until_true(self._is_gone)

    async def _is_gone(self) -> bool:
        return TARGET not in {one.identity for one in await people_of(self._seen, self._name)}

    async def _join_as_stranger(self, token: str) -> bool:
        stranger = rtc.Room()
        try:
            await stranger.connect(self._url, token)
            return stranger.isconnected()
        finally:
            await leave(stranger)

    async def _seen_as(self, identity: str, true: Callable[[Any], bool]) -> bool:
        async def looked() -> bool:
            people = await people_of(self._seen, self._name)
            return any(true(one) for one in people if one.identity == identity)

        return await until_true(looked)

    def _api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._url, token=self._token)


def _short(said: str) -> str:
    """Return the end of what the SDK said: the reason, without the token."""
    return hide_tokens(said).rsplit(" - ", 1)[-1].rsplit("error: ", 1)[-1]
