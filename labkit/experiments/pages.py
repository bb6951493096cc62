"""The pages that show a browser's widget, and the one of them that takes part in a call or room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.errors import WaitTimeout
from labkit.experiments.loop import lab_loop
from labkit.media.page import PAGE_SOURCES, TEST_PICTURE
from labkit.peers.remote import ANSWER_S
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.experiment import Experiment
    from labkit.live.browser import BrowserView

__all__ = ["PageDoor", "started_by_a_page", "until"]

Take = Callable[[dict[str, Any]], None]


class PageDoor:
    """Stands between a widget and the call or room in which one of its pages takes part.

    What a page says comes in any thread of the kernel.

    Args:
        owner: The call or room; a page may start and end it.
        make_view: Makes the widget, and is given what takes its messages.
        choose: Told which media the page is to open, before each start.
        forward: Passes a message of the page on to the session; on the lab's loop.
    """

    def __init__(
        self,
        owner: Experiment[Any],
        *,
        make_view: Callable[[Take], BrowserView],
        choose: Callable[[str], None],
        forward: Take,
    ) -> None:
        self.page, self.media = "", TEST_PICTURE
        self.here: list[str] = []
        "The pages that show the widget, the newest last."
        self.view: BrowserView | None = None
        self._owner = owner
        self._make_view, self._choose, self._forward = make_view, choose, forward

    def show(self) -> BrowserView:
        """Return the widget."""
        if self.view is None:
            self.view = self._make_view(self.take)
            self.show_state()
        return self.view

    async def newest(self, nobody: Callable[[], Exception]) -> str:
        """Return the page that came last; wait for one where there is none.

        Args:
            nobody: Makes the error for a page that does not come within ``ANSWER_S``.
        """
        await until(lambda: bool(self.here), ANSWER_S, nobody)
        return self.here[-1]

    def choose(self, page: str, media: str) -> None:
        """Let a page be the one that takes part, with its camera or a test picture."""
        self.page, self.media = page, media
        self._choose(media)

    def ask(self, question: dict[str, Any]) -> None:
        """Pass a question of the session to the page."""
        if self.view is not None:
            self.view.ask(self.page, self.media, question)

    def hear_state(self, state: str) -> None:
        """Show the owner's new state; the page ends its connection with the owner."""
        if self.view is None:
            return
        self.show_state()
        if state in ("closed", "broken"):
            # Whether it is still there is not known; a page that is says so again.
            self.forget(self.page)
            self.view.end(self.page)

    def show_state(self) -> None:
        """Show how it stands with the owner."""
        if self.view is not None:
            state, failure = self._state()
            view_only = getattr(self._owner, "view_only", False)
            self.view.show_state(state, failure, self.page, view_only=view_only)

    def forget(self, page: str) -> None:
        """Take a page for gone."""
        self.here = [one for one in self.here if one != page]

    def take(self, message: dict[str, Any]) -> None:
        """Take what a page says, with ``type`` and ``page``."""
        kind, page = message["type"], str(message.get("page", ""))
        if kind == "here":
            self.forget(page)
            self.here.append(page)
        elif kind == "near":
            self._owner.prepare_soon()
        elif kind == "start":
            self._start_from(page, str(message["media"]))
        elif page == self.page and kind == "stop":
            self.end()
        elif kind == "left":
            self._left(page)
        elif page == self.page:
            lab_loop.call_soon(self._forward, message)

    def _state(self) -> tuple[str, str | None]:
        """Return the state that the widget shows, and why it broke."""
        owner = self._owner
        return owner.state, None if owner.failure is None else str(owner.failure)

    def end(self) -> None:
        """Do what is to be done when the page that takes part stops."""
        self._owner.close_soon()

    def _left(self, page: str) -> None:
        self.forget(page)
        if not self.here:
            self._owner.unprepare_soon()
        if page == self.page:
            self.end()

    def _start_from(self, page: str, media: str) -> None:
        if media not in PAGE_SOURCES:
            return
        if self._owner.state in ("starting", "running"):
            if page != self.page:  # the page that had it is gone, or somebody moved on
                lab_loop.start(self._start_again(page, media))
            return
        self.choose(page, media)
        self._owner.start_soon()

    async def _start_again(self, page: str, media: str) -> None:
        await self._owner._close()
        self.choose(page, media)
        self._owner.start_soon()


async def until(so: Callable[[], bool], within_s: float, error: Callable[[], Exception]) -> None:
    """Wait until something is so, whichever thread makes it so.

    Args:
        so: Whether it is.
        within_s: How long, in seconds.
        error: Makes what is raised when it takes longer.
    """
    try:
        async with asyncio.timeout(within_s):
            while not so():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise error() from None


async def started_by_a_page(owner: Experiment[Any], within_s: float) -> None:
    """Wait until somebody has pressed a button of the widget and the owner runs.

    Args:
        owner: The call or room.
        within_s: How long, in seconds.

    Raises:
        CallError: It broke while it started.
        WaitTimeout: Nobody did in time.
    """
    before, began = owner.failure, time.monotonic()  # what broke earlier is no news

    def settled() -> bool:
        new = owner.failure is not None and owner.failure is not before
        return owner.state == "running" or (owner.state == "broken" and new)

    await until(settled, within_s, lambda: _nobody_error(time.monotonic() - began))
    owner._must_run()


def _nobody_error(seconds: float) -> WaitTimeout:
    return WaitTimeout(
        _("The browser was not connected within {seconds:.0f} s.").format(seconds=seconds),
        next_step=_("Press a button of its widget: “Join”, or “Use a test picture” in a call."),
    )
