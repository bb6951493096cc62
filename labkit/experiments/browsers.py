"""A call between the notebook's own page and the lab, as a notebook holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.experiments.loop import CLEAN_UP_S, Job, lab_loop
from labkit.experiments.spec import CallSpec, link_pair
from labkit.experiments.viewonly import PageCall
from labkit.media.page import CAMERA, PAGE_SOURCES, TEST_PICTURE, PageMedia
from labkit.peers.remote import ANSWER_S, PERMISSION_S
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
    """

    start_within_s = PERMISSION_S + 30.0

    def __init__(self, spec: CallSpec) -> None:
        super().__init__(spec)
        self._view: BrowserView | None = None
        self._page, self._media = "", TEST_PICTURE
        self._pages_here: list[str] = []
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
        from labkit.live.browser import BrowserView

        if self._view is None:
            self._view = BrowserView(self._wanted(), self._take)
            self._show_state()
        return self._view

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
        await _until(lambda: bool(self._pages_here), ANSWER_S, _no_page_error)
        self._choose(self._pages_here[-1], media)
        return await super().start()

    async def connected(self, within_s: float = 60.0) -> Self:
        """Wait until somebody has pressed a button and the call runs.

        Raises:
            CallError: The call broke while it started.
            WaitTimeout: Nobody did in time.
        """
        before, began = self.failure, time.monotonic()  # what broke earlier is no news

        def settled() -> bool:
            new = self.failure is not None and self.failure is not before
            return self.state == "running" or (self.state == "broken" and new)

        await _until(settled, within_s, lambda: _nobody_error(time.monotonic() - began))
        self._must_run()
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

    def _choose(self, page: str, media: str) -> None:
        def chosen(source: PageMedia | None) -> PageMedia | None:
            return None if source is None else replace(source, what=media)

        self._page, self._media = page, media
        self._expect_page()
        self.spec = replace(self.spec, audio=chosen(self.spec.audio), video=chosen(self.spec.video))

    # What a page says; in any thread of the kernel.

    def _take(self, message: dict[str, Any]) -> None:
        kind, page = message["type"], str(message.get("page", ""))
        if kind == "here":
            self._forget(page)
            self._pages_here.append(page)
        elif kind == "near":
            self.prepare_soon()
        elif kind == "start":
            self._start_from(page, str(message["media"]))
        elif page == self._page and kind == "stop":
            self.close_soon()
        elif kind == "left":
            self._forget(page)
            if not self._pages_here:
                self.unprepare_soon()
            if page == self._page:
                self.close_soon()
        elif page == self._page:
            lab_loop.call_soon(self._forward, message)

    def _forget(self, page: str) -> None:
        self._pages_here = [one for one in self._pages_here if one != page]

    def _start_from(self, page: str, media: str) -> None:
        if media not in PAGE_SOURCES:
            return
        if self.state in ("starting", "running"):
            if page != self._page:  # the page that had it is gone, or somebody moved on
                lab_loop.start(self._start_again(page, media))
            return
        self._choose(page, media)
        self.start_soon()

    # What follows runs on the lab's loop.

    async def _prepare(self) -> None:
        if self._tidying is not None:  # two closings at once would let go of the loop twice
            await self._tidying.settled(CLEAN_UP_S)
        await super()._prepare()

    def _show_pictures(self, port: int, path: str) -> None:
        if self._view is not None:
            self._view.show_pictures(self._page, port, path)

    async def _start_again(self, page: str, media: str) -> None:
        await self._close()
        self._choose(page, media)
        self.start_soon()

    def _forward(self, message: dict[str, Any]) -> None:
        if self._carrier is not None:
            self._carrier.tell("said", message=message)

    def _hear(self, name: str, payload: Any) -> None:
        if self._view is None:
            return
        if name == "describe":
            self._view.ask(self._page, self._media, payload)
        elif name == "state":
            self._show_state()
            if payload in ("closed", "broken"):
                # Whether it is still there is not known; a page that is says so again.
                self._forget(self._page)
                self._view.end(self._page)
            if payload == "broken" and self._carrier is not None:
                # Nobody is there to press Stop.
                self._tidying = lab_loop.start(self._close_carrier())

    def _show_state(self) -> None:
        if self._view is not None:
            failure = None if self.failure is None else str(self.failure)
            self._view.show_state(self.state, failure, self._page, view_only=self.view_only)


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


async def _until(so: Callable[[], bool], within_s: float, error: Callable[[], Exception]) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not so():  # noqa: ASYNC110  (it becomes so in any thread)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise error() from None


def _no_page_error() -> WaitTimeout:
    return WaitTimeout(
        _("No page shows the browser's widget."),
        next_step=_("Show it first: a cell whose last line is the call, for instance “cam”."),
    )


def _nobody_error(seconds: float) -> WaitTimeout:
    return WaitTimeout(
        _("The browser was not connected within {seconds:.0f} s.").format(seconds=seconds),
        next_step=_("Press “Use camera and microphone” or “Use a test picture” in its widget."),
    )
