"""How many may be in a room: what its server holds to, and what is told in words."""

from __future__ import annotations

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.experiments.roomaccess import room_access
from labkit.rooms.listing import room_seats_by_token
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import SMALL, nothing_left, run


@pytest.mark.parametrize(("first", "says"), [(None, "It has no limit"), (3, "Its limit is 3")])
def test_a_room_that_is_there_keeps_its_limit(
    first: int | None, says: str, livekit_server: LivekitServer
) -> None:
    name = f"there-{first}"

    async def work() -> None:
        made = lab.room("alice", server=livekit_server, name=name, max_participants=first)
        async with made:
            later = lab.room("bob", "carol", server=livekit_server, name=name, max_participants=2)
            with pytest.raises(CallError, match=f"is there already.*{says}"):
                await later.start()
            async with lab.room("dave", server=livekit_server, name=name, max_participants=first):
                pass

    with nothing_left():
        run(work())


def test_a_limit_that_others_have_set_is_told_to_the_sdk_too(
    livekit_server: LivekitServer,
) -> None:
    async def work() -> None:
        there = lab.room("alice", "bob", server=livekit_server, name="two", max_participants=2)
        sue = lab.participant("sue", engine="livekit")
        async with there:
            with pytest.raises(CallError, match="is full: sue cannot join"):
                await lab.room(sue, server=livekit_server, name="two").start()

    with nothing_left():
        run(work())


def test_second_ears_take_no_seat(livekit_server: LivekitServer) -> None:
    people = [lab.participant(name, video=SMALL) for name in ("alice", "bob", "carol")]

    async def work() -> None:
        async with lab.room(*people, server=livekit_server, max_participants=4) as room:
            access = room_access(room.spec, livekit_server)
            seats = await room_seats_by_token(access.http_url, access.watcher, room.name)
            assert seats is not None
            assert sorted(seats.taken) == ["alice", "bob", "carol"] and seats.limit == 4
            assert not seats.full_for("dave")
            async with room.join(lab.participant("sue", engine="livekit")):
                with pytest.raises(CallError, match="is full: dave cannot join"):
                    await room.join(lab.participant("dave", engine="livekit"))

    with nothing_left():
        run(work())
