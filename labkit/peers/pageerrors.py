"""Why a page could not open a camera or a microphone, in words that say what to do."""

from __future__ import annotations

from labkit.errors import CallError, WaitTimeout
from labkit.words import _

__all__ = ["page_error", "silent_error", "undecided_error", "version_error"]


def page_error(name: str, message: str = "") -> CallError:
    """Return the error for what a page's JavaScript threw.

    Args:
        name: Name of the DOMException, as ``getUserMedia`` rejects with.
        message: The browser's own words.

    Source: W3C Media Capture and Streams, section 10.2 (getUserMedia).
    """
    instead = _("Or press “Use a test picture”: that needs no camera.")
    told = {
        "NotAllowedError": (
            _("The browser does not let this page use the camera or microphone."),
            _("The permission was denied."),
            _("Allow it by the sign in the address bar, and press the button again.")
            + " "
            + instead,
        ),
        "NotFoundError": (
            _("This computer has no camera or microphone that the browser can see."),
            "",
            _("Plug one in and press the button again.") + " " + instead,
        ),
        "NotReadableError": (
            _("The camera or microphone does not start."),
            _("Another program may be using it."),
            _("Close that program and press the button again.") + " " + instead,
        ),
        "OverconstrainedError": (
            _("No camera can do what was asked for."),
            message,
            _("Ask for less, for instance video=True.") + " " + instead,
        ),
        "NoSuchCodec": (
            _("This browser has no {codec}.").format(codec=message.upper()),
            _("Firefox loads H.264 as a plugin of its own after its first start."),
            _("Make the call without codec=…: every browser has VP8."),
        ),
        "InsecureContext": (
            _("A browser gives the camera only to pages from localhost or over HTTPS."),
            "",
            instead,
        ),
    }
    what, why, next_step = told.get(
        name,
        (
            _("The page could not do its part: {name}: {message}.").format(
                name=name, message=message
            ),
            "",
            _("Press the button again; if it happens twice, reload the page."),
        ),
    )
    return CallError(what, why, next_step)


def silent_error(seconds: float) -> WaitTimeout:
    """Return the error for a page that says nothing any more."""
    return WaitTimeout(
        _("The page did not answer within {seconds:g} s.").format(seconds=seconds),
        _("It was closed, or its tab is asleep in the background."),
        _("Bring the notebook to the front and press a button again."),
    )


def undecided_error(seconds: float) -> WaitTimeout:
    """Return the error for a person who has not said yet whether the camera may be used."""
    return WaitTimeout(
        _("The browser has not answered for {seconds:g} s.").format(seconds=seconds),
        _("It may still ask whether the page may use the camera."),
        _("Answer it and press the button again, or use the test picture."),
    )


def version_error() -> CallError:
    """Return the error for a page that was loaded before the lab was updated."""
    return CallError(
        _("The page is from another version of the lab."),
        next_step=_("Reload the page, then run the cell again."),
    )
