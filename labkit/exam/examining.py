"""``Exam``: the server, the token endpoint, the examiner and the door, from start to verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import BadValue, CallError
from labkit.exam.conductor import Conductor
from labkit.exam.examroom import ExamRoom, FrontDoor
from labkit.exam.invitation import Invitation
from labkit.exam.judging import judge
from labkit.exam.names import CANDIDATE, ENDPOINT, EXAMINER, GIVEN, KINDS, REFUSED, SDK, THIRD, WHIP
from labkit.exam.nonce import NoncePattern, new_nonce
from labkit.exam.session import Progress
from labkit.exam.spec import ExamSpec
from labkit.exam.verdict import Verdict
from labkit.experiments.loop import Job, lab_loop, on_lab_loop
from labkit.experiments.recording import Recording, checked_path
from labkit.experiments.rooms import participant
from labkit.net.checks import number
from labkit.rooms.endpoint import TokenEndpoint, token_endpoint
from labkit.rooms.running import LivekitServer
from labkit.rooms.server import livekit
from labkit.rooms.tokens import TOKEN_TTL_S
from labkit.words import _

if TYPE_CHECKING:
    from IPython.display import IFrame

    from labkit.rooms.build import BuildProgress
    from labkit.run import Run

__all__ = ["Exam", "exam"]

SHORTEST_S, LONGEST_S = 5.0, 3600.0
SEATS = 2
HOUR_S = 3600.0
MARGIN_S = 60.0
"""The recording is ended by hand; this is how much longer it could last."""

Say = Callable[[str], None]


class Exam:
    """One exam; an async context manager. Made by ``exam(...)``.

    ``invitation`` says what the app needs. ``run = await exam.finish()`` waits until the
    candidate has left, or the time is up; ``exam.verdicts`` says what was seen.
    """

    def __init__(
        self, spec: ExamSpec, server: LivekitServer, seconds: float, path: Path | None,
        force: bool, say: Say,
    ) -> None:  # fmt: skip
        self.invitation: Invitation | None = None
        "None before the start."
        self.run: Run | None = None
        "None before the end."
        self.verdicts: list[Verdict] = []
        self._spec = spec
        self._seconds = seconds
        self._path, self._force = path, force
        self._say = say
        self._server = server
        self._room = ExamRoom(spec, server)
        self._endpoint: TokenEndpoint | None = None
        self._recording: Recording | None = None
        self._course: Job[None] | None = None
        self._conductor: Conductor | None = None
        self._told = 0
        self._holds = False

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def start(self) -> Self:
        """Start everything, and begin to record; the candidate may come now.

        Raises:
            CallError: It runs already.
            MissingPart: There is no LiveKit server and none can be built.
            RecordingError: The Run's file is there already.
        """
        if self._course is not None:
            raise CallError(_("This exam is running already."))
        lab_loop.hold()
        self._holds = True
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def finish(self) -> Run:
        """Wait for the end of the exam, judge it, close everything, and return the Run.

        Raises:
            CallError: The exam was not started, or broke.
        """
        if self._course is None or self._recording is None:
            raise CallError(
                _("This exam is not running."), next_step=_("Use “await exam.start()” first.")
            )
        try:
            await self._course.wait()
            self._recording.stop()
            self.run = await self._recording
            self.verdicts = judge(self.run)
        finally:
            await self.close()
        return self.run

    async def end(self) -> Run:
        """Do as ``finish()``, and wait no longer: for whoever knows that the candidate is done."""
        self.stop()
        return await self.finish()

    def stop(self) -> None:
        """Let the exam end soon, from any thread; ``finish()`` then returns what there is."""
        if self._conductor is not None:
            self._conductor.stop()

    def page(self, width: int = 700, height: int = 400) -> IFrame:
        """Return the lab's own page as a picture of a notebook.

        Args:
            width: Pixels.
            height: Pixels.

        Raises:
            CallError: The exam has not been started, or is for an app.
        """
        from IPython.display import IFrame

        if self.invitation is None or not self.invitation.page:
            raise CallError(
                _("There is no page to show."),
                next_step=_("Use “await exam('whip').start()” first."),
            )
        camera = ['allow="camera; microphone"']
        return IFrame(self.invitation.page, width, height, extras=camera)

    async def close(self) -> None:
        """End everything; closing twice is fine."""
        course, self._course = self._course, None
        if course is not None:
            course.cancel()
            await course.settled(5.0)
        await self._room.close()
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await on_lab_loop(endpoint.close())
        if self._holds:
            await on_lab_loop(self._server.close())
            self._holds = False
            lab_loop.release()

    async def _start(self) -> None:
        await on_lab_loop(self._server.start())
        await self._room.start()
        door = await self._room.door()
        self._endpoint = await on_lab_loop(self._open_endpoint(door))
        self.invitation = self._invite(self._endpoint, door)
        await self._room.invite(self.invitation)
        longest_s = self._seconds + MARGIN_S
        self._recording = self._room.start_recording(
            longest_s, self._path, force=self._force, progress=False
        )
        conductor = self._conductor = Conductor(
            self, kind=self._spec.kind, seconds=self._seconds,
            back_within_s=self._spec.back_within_s, say=self._say,
        )  # fmt: skip
        self._course = lab_loop.start(conductor.conduct())

    async def _open_endpoint(self, door: str) -> TokenEndpoint:
        server = self._server
        front = FrontDoor(door, server.api_key, server.api_secret, server.http_url)
        endpoint = token_endpoint(
            front, max_participants=SEATS, default_room=self._spec.room, lan=self._spec.lan
        )
        return await endpoint.start()

    def _invite(self, endpoint: TokenEndpoint, door: str) -> Invitation:
        ttl_s = HOUR_S if self._spec.lan is None else TOKEN_TTL_S
        mine = endpoint.sign_in(CANDIDATE, ttl_s=ttl_s)
        return Invitation(
            kind=self._spec.kind,
            endpoint=endpoint.url,
            room=self._spec.room,
            id_token=mine,
            third_id_token=endpoint.sign_in(THIRD, ttl_s=ttl_s),
            nonce=self._spec.nonce,
            page=f"{door}/" if self._spec.kind == WHIP else "",
            opened=self._server.opened,
        )

    # What follows runs on the lab's loop: it is the conductor's stage.

    async def look(self) -> Progress:
        """Return how far the candidate is; write down what the endpoint was asked meanwhile."""
        assert self._endpoint is not None
        visits = list(self._endpoint.visits)
        new, self._told = visits[self._told :], len(visits)
        for visit in new:
            about = {"status": visit.status, "error": visit.error, "identity": visit.identity,
                     "room": visit.room}  # fmt: skip
            await self.write(ENDPOINT, REFUSED if visit.error else GIVEN, about)
        return await self._room.progress()

    async def write(self, peer: str, name: str, detail: Any) -> None:
        """Write down an event."""
        await self._room.write(peer, name, detail)

    def refused(self) -> bool:
        """Whether the token endpoint has said to somebody that the room is full."""
        assert self._endpoint is not None
        return any(visit.error == "full" for visit in self._endpoint.visits)

    async def kill(self) -> None:
        """End the server at once."""
        await self._server.kill()

    async def restart(self) -> None:
        """Bring it back."""
        await self._server.restart()


def exam(
    kind: str = SDK,
    *,
    seconds: float = 300.0,
    room: str = "exam",
    back_within_s: float = 15.0,
    lan: str | None = None,
    path: str | Path | None = None,
    force: bool = False,
    say: Say | None = None,
    build: bool = True,
    progress: BuildProgress | None = None,
    seed: int = 1,
) -> Exam:
    """Make an exam; nothing starts before it is asked to.

    Args:
        kind: ``sdk`` for an app with one of LiveKit's client SDKs; ``whip`` for a page without.
        seconds: When it is over at the latest, 5 to 3600.
        room: The room's name.
        back_within_s: How soon the candidate's pictures must be back after a server's death.
        lan: An address of this machine, for a phone in the same network; None for loopback.
        path: Where the Run is written; None keeps it in memory.
        force: Replace a file that is there.
        say: Takes a sentence whenever something was seen; called in any thread. None for nobody.
        build: Whether a missing server is built, which takes about two minutes.
        progress: Told how far that is.
        seed: Seed of every random stream.

    Raises:
        BadValue: An argument is not allowed.
    Notebook: notebooks/11-flutter.ipynb
    """
    if kind not in KINDS:
        raise BadValue(
            _("kind={kind!r} is not known.").format(kind=kind),
            next_step=_("Use one of: {choices}.").format(choices=", ".join(KINDS)),
        )
    if kind == WHIP and lan is not None:
        raise BadValue(
            _("The lab's own page is for this machine."),
            _("A browser opens no camera for a page from elsewhere without https."),
        )
    seconds = number("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
    where = checked_path(path, force)  # now: a whole exam would be lost otherwise
    nonce = new_nonce()
    examiner = participant(EXAMINER, engine="livekit", video=NoncePattern(nonce))
    spec = ExamSpec(
        participants=(examiner,), room=room, max_participants=SEATS, seed=seed, kind=kind,
        nonce=nonce, back_within_s=back_within_s, lan=lan,
    )  # fmt: skip
    server = livekit(own=True, lan=lan, build=build, progress=progress)
    assert isinstance(server, LivekitServer)
    return Exam(spec, server, seconds, where, force, say or _nobody)


def _nobody(told: str) -> None:
    """Listen to nothing."""
