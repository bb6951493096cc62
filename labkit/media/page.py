"""What a web page sends: its camera and microphone, or a test picture that it draws itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["CAMERA", "PAGE_SOURCES", "TEST_PICTURE", "PageMedia", "page_media"]

CAMERA, TEST_PICTURE = "camera", "test picture"
PAGE_SOURCES = (CAMERA, TEST_PICTURE)

_EXAMPLE = '{"width": 1280, "height": 720, "frameRate": 30}'


@dataclass(frozen=True)
class PageMedia:
    """One kind of media from a page; only the page can open it.

    Args:
        kind: ``video`` or ``audio``.
        constraints: As in ``getUserMedia``: True, or a dict such as ``{"width": 1280}``.
        what: ``camera`` (with its microphone) or ``test picture`` (with a tone).

    Raises:
        BadValue: The constraints are not plain data.

    Source: W3C Media Capture and Streams, section 6 (constrainable properties).
    """

    kind: str
    constraints: Any = True
    what: str = CAMERA

    def __post_init__(self) -> None:
        if self.constraints is not True:
            _check_constraints(self.kind, self.constraints)

    @property
    def stamped(self) -> bool:
        """Whether its pictures carry the frame stamp."""
        return self.what == TEST_PICTURE

    def describe(self) -> str:
        """Return it in a few words, for the tracks of a Run."""
        names = {
            (CAMERA, "video"): "camera of the browser",
            (CAMERA, "audio"): "microphone of the browser",
            (TEST_PICTURE, "video"): "test picture of the browser",
            (TEST_PICTURE, "audio"): "tone of the browser",
        }
        asked = "" if self.constraints is True else f" {json.dumps(self.constraints)}"
        return names[self.what, self.kind] + asked


def page_media(kind: str, asked: Any) -> PageMedia | None:
    """Return what a page is asked to publish.

    Args:
        kind: ``video`` or ``audio``.
        asked: True or constraints (camera or test picture, as a button says), ``"camera"``,
            ``"test picture"``, or None and False for nothing.

    Raises:
        BadValue: It is something that a page does not have, for instance a source of the lab.
    """
    if asked is None or asked is False:
        return None
    if isinstance(asked, PageMedia):
        return asked
    if isinstance(asked, str) and asked in PAGE_SOURCES:
        return PageMedia(kind, True, asked)
    if asked is True or isinstance(asked, dict):
        return PageMedia(kind, asked, TEST_PICTURE)
    raise BadValue(
        _("A page cannot publish {kind}={value!r}.").format(kind=kind, value=asked),
        _("It has its own camera and microphone, and a test picture with a tone."),
        _("Use {kind}=True, or constraints such as {example}.").format(kind=kind, example=_EXAMPLE),
    )


def _check_constraints(kind: str, constraints: Any) -> None:
    try:
        fine = isinstance(constraints, dict) and bool(json.dumps(constraints, allow_nan=False))
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise BadValue(
            _("{kind}={value!r} cannot be asked of a browser.").format(
                kind=kind, value=constraints
            ),
            next_step=_("Use True, or constraints such as {example}.").format(example=_EXAMPLE),
        )
