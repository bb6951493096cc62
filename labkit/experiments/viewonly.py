"""What is left for a page that no media path reaches: it looks on, and is no peer.

A viewer of the lab's own takes the page's place in the call, so that the lab's pictures go over
the call's link and can be recorded as in any call; the page gets single pictures of what the
viewer has decoded. Nothing of this measures the page.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from labkit.errors import WaitTimeout
from labkit.experiments.breaks import NoMediaPath, no_viewer_error, page_left_error
from labkit.experiments.calls import Call
from labkit.experiments.spec import CallSpec

if TYPE_CHECKING:
    from labkit.live.pictureserver import PictureServer

__all__ = ["PICTURES_HZ", "VIEWER", "PageCall", "ViewOnlySpec"]

PICTURES_HZ = 25.0
"""How many pictures a second a page may get; it takes fewer where it or its network is slow."""

VIEWER = "viewer"
"""Name of the peer that is there in place of the page."""

COME_S = 8.0
"""How long a page may take to open its WebSocket."""


@dataclass(frozen=True)
class ViewOnlySpec(CallSpec):
    """A call in which a viewer of the lab's stands for a page."""

    @classmethod
    def of(cls, spec: CallSpec) -> ViewOnlySpec:
        """Return the call that is left of one with a page: the lab's pictures and their link."""
        values = {field.name: getattr(spec, field.name) for field in fields(CallSpec)}
        values.update(video=None, audio=None, back_audio=None, signaling="memory", remote=None)
        return cls(**{**values, "names": (VIEWER, spec.names[1])})

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``; it says that there was no browser."""
        return {**super().asked(), "view_only": True}


class PageCall(Call):
    """A call with a page, which goes on without it as a peer where no media path reaches it."""

    def __init__(self, spec: CallSpec) -> None:
        super().__init__(spec)
        self._with_page = spec
        self._pictures: PictureServer | None = None
        self.listen(self._pass_on)

    @property
    def view_only(self) -> bool:
        """Whether no media reaches the page: it looks on, and a Run has no ``browser``."""
        return isinstance(self.spec, ViewOnlySpec)

    def _show_pictures(self, port: int, path: str) -> None:
        """Tell the page where pictures are."""
        raise NotImplementedError

    def _expect_page(self) -> None:
        """Let the next call be one with a page again, over the links as they are now."""
        if self.view_only:
            self.spec = replace(self._with_page, forward=self.spec.forward, back=self.spec.back)

    # What follows runs on the lab's loop.

    async def _start(self) -> None:
        try:
            await super()._start()
        except NoMediaPath as error:
            if self.spec.back_video is None:
                raise
            await self._start_view_only(error)

    async def _start_view_only(self, why: NoMediaPath) -> None:
        self._with_page, self.spec = self.spec, ViewOnlySpec.of(self.spec)
        try:
            await super()._start()
        except WaitTimeout as error:
            raise why from error

    async def _connect(self) -> None:
        if self.view_only:
            await self._open_pictures()
        await super()._connect()
        if self.view_only:
            self._watch_now(PICTURES_HZ, 0)

    async def _open_pictures(self) -> None:
        from labkit.live.pictureserver import PictureServer

        server = self._pictures = PictureServer(self._viewer_left)
        await server.start()
        self._show_pictures(server.port, server.path)
        if not await server.viewed(COME_S):
            raise no_viewer_error(COME_S)

    async def _close_carrier(self) -> None:
        server, self._pictures = self._pictures, None
        if server is not None:
            await server.close()
        await super()._close_carrier()

    def _viewer_left(self) -> None:
        if self._carrier is not None and not self._carrier.failed.done():
            self._carrier.failed.set_result(page_left_error())

    def _pass_on(self, name: str, payload: Any) -> None:
        if name == "picture" and self._pictures is not None:
            self._pictures.offer(payload["frame"], payload["jpeg"])
