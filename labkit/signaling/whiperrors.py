"""What a WHIP server's refusals mean, in words (RFC 9725, RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from labkit.errors import CallError
from labkit.words import _

__all__ = ["REASONS", "WhipError", "away_error", "without_tokens", "word_error"]

REASONS = {status.value: status.phrase for status in HTTPStatus}

SHOWN = 300
"""How much of what the server says goes into an error."""


class WhipError(CallError):
    """A WHIP server refused.

    Args:
        what: What happened.
        why: The reason.
        next_step: What to do.
        status: HTTP status of the refusal.
        retry_after_s: When to try again, where the server says so.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        next_step: str = "",
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, why, next_step)
        self.status = status
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type[WhipError], tuple[str, str, str, int, float | None]]:
        parts = (self.what, self.why, self.next_step, self.status, self.retry_after_s)
        return type(self), parts


def without_tokens(text: str, token: str | None = None) -> str:
    """Return a text in which no JSON Web Token can be read any more (RFC 7519).

    Args:
        text: What a server has said.
        token: A token of any other form, which goes too.
    """
    if token:
        text = text.replace(token, "(token)")
    return re.sub(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?", "(token)", text)


def word_error(status: int, headers: Mapping[str, str], body: str, url: str) -> WhipError:
    """Return the error for a response that is not what a client hopes for.

    Args:
        status: HTTP status, 100 to 599.
        headers: Headers of the response.
        body: Its text, without tokens.
        url: The WHIP endpoint.
    """
    what, next_step = _meaning(status)
    retry_after_s = _seconds(headers.get("Retry-After"))
    if retry_after_s is not None:
        next_step = _("Try again in {seconds:g} s.").format(seconds=retry_after_s)
    said = " ".join(body.split())[:SHOWN].rstrip(".")
    why = (
        _("{url} said {status} {reason}")
        .format(url=url, status=status, reason=REASONS.get(status, ""))
        .rstrip()
    )
    return WhipError(
        what, f"{why}: {said}." if said else f"{why}.", next_step, status, retry_after_s
    )


def away_error(url: str, error: Exception) -> CallError:
    """Return the error for a server that cannot be reached or breaks off."""
    return CallError(
        _("No WHIP server answers at {url}.").format(url=url),
        f"{type(error).__name__}: {error}.",
        _("Start the server first, or look at the address."),
    )


def _meaning(status: int) -> tuple[str, str]:
    """Return what a status means and what to do."""
    known = {
        400: (
            _("The WHIP server does not understand the request."),
            _("Look at the offer, and at what the server says."),
        ),
        401: (
            _("The WHIP server does not accept the token."),
            _("Get a new one: it may be expired, forged, or without the right to join."),
        ),
        403: (
            _("This token may not do that."),
            _("Get one with the right to publish, for this room."),
        ),
        404: (
            _("There is no such WHIP endpoint, room or session."),
            _("Look at the address, and whether the room exists."),
        ),
        405: (
            _("The WHIP server does not do this."),
            _("Send everything in the offer: it may take no trickle and no restart."),
        ),
        409: (
            _("Somebody else has this place already."),
            _("End the other session first, or use another name."),
        ),
        412: (
            _("The ICE session is another one by now."),
            _("Use the ETag of the last answer, or restart ICE."),
        ),
        413: (_("The offer is too large for the WHIP server."), _("Send fewer tracks.")),
        415: (
            _("The WHIP server does not take this kind of text."),
            _("It has to be application/sdp."),
        ),
        422: (
            _("The WHIP server cannot use this session description."),
            _("Send another codec or fewer tracks; WHIP knows one answer and no bargaining."),
        ),
        428: (
            _("The WHIP server wants to know which ICE session is meant."),
            _("Send its ETag as If-Match."),
        ),
        429: (_("Too many requests for the WHIP server."), _("Wait a little and try again.")),
        503: (_("The WHIP server cannot take this session now."), _("Try again later.")),
    }
    if status in known:
        return known[status]
    if 300 <= status < 400:
        return (
            _("The WHIP server sends its clients elsewhere, in a way that WHIP does not know."),
            _("Only 307 and 308 keep a POST a POST; use the other address."),
        )
    return _("The WHIP server refused."), _("Look at what it says, and at its log.")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.strip().isdigit() else None
