"""WHIP: an offer goes out by HTTP POST, the answer is its response (RFC 9725)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp

from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.signaling.iceservers import IceServer, ice_servers_in
from labkit.signaling.whiperrors import REASONS, WhipError, away_error, without_tokens, word_error
from labkit.words import _

__all__ = ["WhipClient", "WhipError"]

WITHIN_S = 10.0
"""How long each request may take."""

CLOSE_WITHIN_S = 2.0

REDIRECTS = 5
LARGEST_BODY = 1_000_000

Note = Callable[[str, str], None]
"""``note(name, body)`` writes down a request (``POST …``) or a response (``201 …``)."""


class _Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    links: list[str]
    body: str
    url: str


class WhipClient:
    """One session with a WHIP server; an async context manager that ends it with DELETE.

    Args:
        url: The WHIP endpoint, for instance ``http://127.0.0.1:7880/whip/v1``.
        token: Bearer token; None for a server that wants none.
        headers: More headers of the POST.
        note: Called with each message; the token is not in them.
        within_s: How long each request may take, in seconds.

    Raises:
        BadValue: The address or the token cannot be one.

    Source: RFC 9725.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        note: Note | None = None,
        within_s: float = WITHIN_S,
    ) -> None:
        self.url = _checked_url(url)
        self.location: str | None = None
        "Address of the session, absolute; None before the answer and after the end."
        self.etag: str | None = None
        "Names the present ICE session; None where the server does not take PATCH."
        self.ice_servers: list[IceServer] = []
        "What the server offers; the lab uses none of them unless told to."
        self._token = _checked_token(token)
        self._headers = dict(headers or {})
        self._note = note or (lambda name, body: None)
        self._within_s = within_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> WhipClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def offer(self, sdp: str) -> str:
        """Send an offer and return the answer; the session exists from then on.

        Args:
            sdp: Offer with all candidates in it.

        Raises:
            WhipError: The server refused; ``status`` has the number, the text the reason.
            CallError: Nobody answers there, or what answers is no WHIP server.
            WaitTimeout: It took too long.
        """
        if self.location is not None:
            raise CallError(
                _("This WHIP session has begun already."), next_step=_("Make a new client.")
            )
        response = await self._post(sdp)
        if response.status != 201:
            raise self._refused(response)
        location = response.headers.get("Location")
        if not location or not response.body.startswith("v="):
            raise CallError(
                _("{url} does not answer as a WHIP server does.").format(url=self.url),
                _("Its answer 201 has no Location, or no session description."),
                _("Look at the address: LiveKit's ends with /whip/v1."),
            )
        self.location = urljoin(response.url, location)
        self.etag = response.headers.get("ETag")
        self.ice_servers = ice_servers_in(response.links)
        return response.body

    async def trickle(self, fragment: str) -> None:
        """Send more candidates of this ICE session.

        Args:
            fragment: An SDP fragment (RFC 8840 section 9).

        Raises:
            WhipError: The server refused it, or takes none.
        """
        response = await self._patch(fragment, self._must_have_etag())
        if response.status not in (200, 204):
            raise self._refused(response)

    async def restart(self, fragment: str) -> str:
        """Begin a new ICE session and return the server's fragment.

        Args:
            fragment: An SDP fragment with the new ``ice-ufrag`` and ``ice-pwd``.

        Raises:
            WhipError: The server refused it, or cannot restart.
        """
        self._must_have_etag()
        response = await self._patch(fragment, "*")
        if response.status != 200:
            raise self._refused(response)
        self.etag = response.headers.get("ETag", self.etag)
        return response.body

    async def close(self) -> None:
        """End the session; closing twice is fine, and so is a server that is gone."""
        location, self.location = self.location, None
        try:
            if location is not None:
                with contextlib.suppress(CallError, WaitTimeout):
                    await self._request("DELETE", location, within_s=CLOSE_WITHIN_S)
        finally:
            session, self._session = self._session, None
            if session is not None:
                await session.close()

    async def _post(self, sdp: str) -> _Response:
        headers = {"Content-Type": "application/sdp", "Accept": "application/sdp", **self._headers}
        url = self.url
        for _attempt in range(REDIRECTS):
            response = await self._request("POST", url, headers, sdp)
            if response.status not in (307, 308) or "Location" not in response.headers:
                return response
            url = _checked_url(urljoin(url, response.headers["Location"]))
        raise CallError(
            _("{url} sends its clients on and on.").format(url=self.url),
            _("More than {count} redirects in a row.").format(count=REDIRECTS),
            _("Mend the server's load balancing, or use another address."),
        )

    async def _patch(self, fragment: str, if_match: str) -> _Response:
        if self.location is None:
            raise CallError(_("There is no WHIP session."), next_step=_("Send an offer first."))
        headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": if_match}
        return await self._request("PATCH", self.location, headers, fragment)

    def _must_have_etag(self) -> str:
        if self.location is not None and self.etag is None:
            raise WhipError(
                _("This WHIP server takes no more candidates."),
                _("Its answer had no ETag (RFC 9725 section 4.3.1)."),
                _("Send an offer with all candidates in it."),
                status=405,
            )
        return self.etag or ""

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        *,
        within_s: float | None = None,
    ) -> _Response:
        self._note(f"{method} {urlsplit(url).path}", body)
        seconds = self._within_s if within_s is None else within_s
        try:
            async with asyncio.timeout(seconds):
                response = await self._exchange(method, url, headers or {}, body)
        except TimeoutError:
            raise _too_slow(url, seconds) from None
        except (aiohttp.ClientError, OSError, UnicodeDecodeError) as error:
            raise away_error(url, error) from error
        self._note(f"{response.status} {REASONS.get(response.status, '')}".strip(), response.body)
        return response

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: str
    ) -> _Response:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        sent = {**headers, **self._authorization(url)}
        async with self._session.request(
            method, url, headers=sent, data=body.encode() or None, allow_redirects=False
        ) as answer:
            read = bytearray()
            async for chunk in answer.content.iter_any():
                read += chunk
                if len(read) > LARGEST_BODY:
                    raise _too_much(url)
            links = answer.headers.getall("Link", [])
            text = without_tokens(read.decode(), self._token)
            return _Response(answer.status, answer.headers, list(links), text, url)

    def _authorization(self, url: str) -> dict[str, str]:
        """Return the token's header; a redirect to another machine does not get it."""
        there, here = urlsplit(url), urlsplit(self.url)
        same = (there.scheme, there.hostname) == (here.scheme, here.hostname)
        return {"Authorization": f"Bearer {self._token}"} if self._token and same else {}

    def _refused(self, response: _Response) -> WhipError:
        return word_error(response.status, response.headers, response.body, self.url)


def _too_slow(url: str, seconds: float) -> WaitTimeout:
    return WaitTimeout(
        _("{url} did not answer within {seconds:g} s.").format(url=url, seconds=seconds),
        _("The server is overloaded, or waits for a track that nobody publishes."),
        _("Try again; for a track that is subscribed, let its publisher come first."),
    )


def _too_much(url: str) -> CallError:
    return CallError(
        _("{url} sends more than an answer can be.").format(url=url),
        next_step=_("Look at the address: this is no WHIP server."),
    )


def _checked_url(url: str) -> str:
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadValue(
            _("{url!r} is no address of a WHIP server.").format(url=url),
            next_step=_("Use for instance http://127.0.0.1:7880/whip/v1."),
        )
    return url


def _checked_token(token: str | None) -> str | None:
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token):
        raise BadValue(
            _("This is no bearer token."),
            _("It has characters that no token has."),
            _("Use the text that the backend gave, without “Bearer”."),
        )
    return token
