"""A call between the notebook's own page and the lab, as a notebook holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.experiments.loop import CLEAN_UP_S, Job, lab_loop
from labkit.experiments.pages import PageDoor, Take, started_by_a_page
from labkit.experiments.spec import CallSpec, link_pair
from labkit.experiments.viewonly import PageCall
from labkit.media.page import CAMERA, PAGE_SOURCES, TEST_PICTURE, PageMedia
from labkit.peers.remote import PERMISSION_S
from labkit.words import _

if TYPE_CHECKING:
    from labkit.live.browser import BrowserView

__all__ = ["BrowserCall", "browser_call"]

NAMES = ("browser", "lab")


class BrowserCall(PageCall):
    """A call from this page to the lab and back; shown as a widget with buttons.

    Made by ``lab.browser_call(...)``. A person starts it with a button, also while a cell runs;
    ``await cam.start()`` does it from a cell. A Run of it is like any other. A page that no media
    reaches gets pictures alone (``view_only``).

    Args:
        spec: What the call is made of.
    """

    start_within_s = PERMISSION_S + 30.0

    def __init__(self, spec: CallSpec) -> None:
        super().__init__(spec)
        self._door = PageDoor(
            self, make_view=self._make_view, choose=self._choose, forward=self._forward
        )
        self._tidying: Job[None] | None = None
        self.listen(self._hear)

    def __repr__(self) -> str:
        only = ", view only" if self.view_only else ""
        return (
            f"<BrowserCall browser ⇄ lab, {self.state}{only}, {self.spec.place}, "
            f"seed {self.spec.seed}>"
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.show()._repr_mimebundle_(**options)

    def show(self) -> BrowserView:
        """Return the widget: buttons, both pictures, the state in words."""
        return self._door.show()

    async def start(self, media: str = TEST_PICTURE) -> Self:
        """Start from a cell what a button starts otherwise; the widget must be on a page.

        Args:
            media: ``camera`` (the browser may ask for permission) or ``test picture``.

        Raises:
            BadValue: ``media`` is neither.
            CallError: The browser could not do it, or the call is running already.
            WaitTimeout: No page answered in time.
        """
        if media not in PAGE_SOURCES:
            raise BadValue(
                _("media={media!r} is not known.").format(media=media),
                next_step=_("Use one of: {choices}.").format(choices=", ".join(PAGE_SOURCES)),
            )
        self._must_be_startable()
        self._door.choose(await self._door.newest(_no_page_error), media)
        return await super().start()

    async def connected(self, within_s: float = 60.0) -> Self:
        """Wait until somebody has pressed a button and the call runs.

        Args:
            within_s: How long to wait for it.

        Raises:
            CallError: The call broke while it started.
            WaitTimeout: Nobody did in time.
        """
        await started_by_a_page(self, within_s)
        return self

    def _must_be_recordable(self) -> None:
        if self.state in ("new", "closed"):
            raise CallError(
                _("The browser is not connected."),
                next_step=_("Press a button of its widget first, or use “await cam.start()”."),
            )
        if self.state == "broken":
            self._must_run()
        super()._must_be_recordable()

    def _wanted(self) -> dict[str, Any]:
        """What the page should open and expect, in plain data."""
        spec = self.spec
        return {
            "audio": None if spec.audio is None else spec.audio.constraints,
            "video": None if spec.video is None else spec.video.constraints,
            "back": [
                kind
                for kind, source in (("audio", spec.back_audio), ("video", spec.back_video))
                if source is not None
            ],
            "codec": spec.codec,
        }

    def _make_view(self, take: Take) -> BrowserView:
        from labkit.live.browser import BrowserView

        return BrowserView(self._wanted(), take)

    def _choose(self, media: str) -> None:
        def chosen(source: PageMedia | None) -> PageMedia | None:
            return None if source is None else replace(source, what=media)

        self._expect_page()
        self.spec = replace(self.spec, audio=chosen(self.spec.audio), video=chosen(self.spec.video))

    # What follows runs on the lab's loop.

    async def _prepare(self) -> None:
        if self._tidying is not None:  # two closings at once would let go of the loop twice
            await self._tidying.settled(CLEAN_UP_S)
        await super()._prepare()

    def _show_pictures(self, port: int, path: str) -> None:
        if self._door.view is not None:
            self._door.view.show_pictures(self._door.page, port, path)

    def _forward(self, message: dict[str, Any]) -> None:
        if self._carrier is not None:
            self._carrier.tell("said", message=message)

    def _hear(self, name: str, payload: Any) -> None:
        if name == "describe":
            self._door.ask(payload)
        elif name == "state":
            self._door.hear_state(payload)
            if payload == "broken" and self._carrier is not None:
                # Nobody is there to press Stop.
                self._tidying = lab_loop.start(self._close_carrier())


def browser_call(
    *,
    audio: bool | dict[str, Any] = True,
    video: bool | dict[str, Any] = True,
    back_video: Any = None,
    back_audio: Any = None,
    link: Any = None,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    place: str = "worker",
    seed: int = 1,
) -> BrowserCall:
    """Make a call between the page that shows this notebook and the lab.

    Its widget offers the camera and microphone, and a test picture that needs neither. Camera
    pictures carry no stamp: they are counted, but their latency is not known. In the Run the
    page is ``browser`` and the other side ``lab``.

    Args:
        audio: Whether the page sends sound: True, False, or constraints as in
            ``getUserMedia``.
        video: Whether the page sends pictures: True, False, or constraints such as
            ``{"width": 1280, "height": 720, "frameRate": 30}``.
        back_video: Video source from the lab to the page.
        back_audio: Audio source from the lab to the page; it is played there.
        link: One ``Link`` for both directions, or a pair (browser → lab, lab → browser).
        codec: ``vp8`` or ``h264``.
        jitter_buffer: The lab's side: ``marker``, ``stock`` or a class.
        place: Where the lab's side lives: ``worker`` or ``kernel``.
        seed: Seed of every random stream of the call.

    Raises:
        BadValue: An argument is not allowed.
    """
    forward, back = link_pair(link)
    return BrowserCall(
        CallSpec(
            video=_page_media("video", video),
            audio=_page_media("audio", audio),
            back_video=back_video,
            back_audio=back_audio,
            forward=forward,
            back=back,
            codec=codec,
            jitter_buffer=jitter_buffer,
            signaling="comm",
            place=place,
            seed=seed,
            names=NAMES,
            remote=NAMES[0],
        )
    )


def _page_media(kind: str, constraints: Any) -> PageMedia | None:
    if constraints is False or constraints is None:
        return None
    return PageMedia(kind, constraints, CAMERA)


def _no_page_error() -> WaitTimeout:
    return WaitTimeout(
        _("No page shows the browser's widget."),
        next_step=_("Show it first: a cell whose last line is the call, for instance “cam”."),
    )
