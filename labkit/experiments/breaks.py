"""How a call can fail to come up, or break, in words that say what to do."""

from __future__ import annotations

from labkit.errors import CallError, WaitTimeout
from labkit.words import _

__all__ = [
    "NoMediaPath",
    "all_lost_error",
    "connection_lost_error",
    "failed_error",
    "no_media_path_error",
    "no_viewer_error",
    "not_connected_error",
    "page_left_error",
    "relay_died_error",
    "two_lost_error",
]


class NoMediaPath(CallError):
    """Nothing that a page sends reaches the lab: there can be no call with it."""


def no_media_path_error() -> NoMediaPath:
    """Return the error for a page of which the relay has not heard."""
    return NoMediaPath(
        _("No media from this browser reaches the lab."),
        _("The browser runs on another machine, or something in between lets no UDP through."),
        _("Use a browser on the machine where the notebook runs."),
    )


def not_connected_error(within_s: float, *, page: bool) -> WaitTimeout:
    """Return the error for two sides that did not reach each other in time.

    Args:
        within_s: How long they had, in seconds.
        page: Whether one of them is in a web page.
    """
    if page:
        return WaitTimeout(
            _("The browser and the lab did not connect within {timeout:g} s.").format(
                timeout=within_s
            ),
            _("The link lost the first packets, or the browser runs on another machine."),
            _("Try a clean link, and a browser on the machine where the notebook runs."),
        )
    return WaitTimeout(
        _("The peers did not connect within {timeout:g} s.").format(timeout=within_s),
        _("The link lost or held back too many of the first packets."),
        _("Try less loss, or a higher rate_kbps."),
    )


def no_viewer_error(within_s: float) -> WaitTimeout:
    """Return the error for a page that does not come for its pictures."""
    return WaitTimeout(
        _("The page did not open its WebSocket within {seconds:g} s.").format(seconds=within_s),
        _("It goes through JupyterLab's proxy: jupyter-server-proxy may be missing there."),
        _("Install it there, start JupyterLab again and reload the page."),
    )


def failed_error(name: str) -> CallError:
    """Return the error for a side whose connection failed while it came up."""
    return CallError(
        _("{peer} could not connect.").format(peer=name),
        _("ICE or DTLS failed over this link."),
        _("Try less loss, or look at the events of the run."),
    )


def page_left_error() -> CallError:
    """Return the error for a page that is gone in the middle of a call."""
    return CallError(
        _("The browser has left the call."),
        _("Its page was closed or reloaded, or the link was dead for too long."),
        _("Press a button to start again."),
    )


def connection_lost_error(why: str) -> CallError:
    """Return the error for peers whose connection ended in the middle of a call.

    Args:
        why: As one of them has seen it.
    """
    return CallError(_("The connection between the peers is lost."), why, _try_again())


def all_lost_error(why: str) -> CallError:
    """Return the error for many who have lost each other, one connection after the other.

    Args:
        why: How the last one ended.
    """
    return CallError(_("All connections are lost."), why, _try_again())


def two_lost_error(one: str, other: str, why: str) -> CallError:
    """Return the error for two of many who have lost each other while others go on.

    Args:
        one: One of them.
        other: The other one.
        why: As one of them has seen it.
    """
    return CallError(
        _("The connection between {one} and {other} is lost.").format(one=one, other=other),
        why,
        _("The others go on; close it and start again to have all of them."),
    )


def _try_again() -> str:
    return _("Try less loss, or a higher rate_kbps, and start again.")


def relay_died_error() -> CallError:
    """Return the error for a relay that ended on its own."""
    return CallError(
        _("The relay between the peers ended."),
        _("Its process was ended from outside, or it crashed."),
        _("Start the call again; “labkit doctor” checks this machine."),
    )
