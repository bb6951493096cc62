"""A backend's token endpoint: an ID token comes in, a room token goes out.

It speaks as LiveKit's client SDKs do (``EndpointTokenSource``): ``POST`` with JSON
``{"room_name": …, "participant_name": …}`` and ``Authorization: Bearer <ID token>``, answered by
``{"server_url": …, "participant_token": …}``. Who joins is what the ID token says, never what
the body says; so are the rights what the backend says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientError, web
from livekit.api import LiveKitAPI, ServerError

from labkit.errors import BadValue, CallError
from labkit.rooms.address import ServerAddress
from labkit.rooms.base import Server
from labkit.rooms.idissuer import FirebaseIssuer, Issuer, SupabaseIssuer
from labkit.rooms.idtokens import BadIdToken, Identity, IdTokenVerifier, Reason
from labkit.rooms.requests import Refused, TokenRequest, allowed_origin, read_request, refusal
from labkit.rooms.seats import room_seats
from labkit.rooms.settings import check_lan_address
from labkit.rooms.tokens import TOKEN_TTL_S, room_token
from labkit.words import _

__all__ = ["LARGEST_BODY", "Rights", "TokenEndpoint", "Visit", "token_endpoint"]

LARGEST_BODY = 16 * 1024
"""Bytes; a request has a few hundred."""

VISITS_KEPT = 1000

Rights = Callable[[Identity, str], Mapping[str, Any] | None]
"""Who, and into which room → rights for ``room_token``; None refuses."""


@dataclass(frozen=True)
class Visit:
    """One request, as it may be told: no token, no secret."""

    status: int
    error: str
    """Empty where a token was given out."""
    identity: str
    room: str


class TokenEndpoint:
    """The endpoint; an async context manager. Made by ``token_endpoint(...)``."""

    def __init__(
        self,
        address: ServerAddress,
        verifiers: Sequence[IdTokenVerifier],
        *,
        issuers: Sequence[Issuer] = (),
        rights: Rights,
        max_participants: int | None,
        ttl_s: float,
        default_room: str,
        host: str,
        port: int,
    ) -> None:
        self.issuers = tuple(issuers)
        "The lab's own identity providers; none where the caller brought verifiers."
        self.visits: deque[Visit] = deque(maxlen=VISITS_KEPT)
        self._server = address
        self._verifiers = {verifier.issuer: verifier for verifier in verifiers}
        self._rights = rights
        self._max_participants = max_participants
        self._ttl_s = ttl_s
        self._default_room = default_room
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._api: LiveKitAPI | None = None

    def __repr__(self) -> str:
        return f"<TokenEndpoint {self.url}, {'open' if self._runner else 'closed'}>"

    @property
    def url(self) -> str:
        """Where tokens are asked for."""
        return f"http://{self._host}:{self._port}/token"

    def sign_in(self, subject: str, **claims: Any) -> str:
        """Return an ID token of the lab's own Firebase-style provider.

        Args:
            subject: The user's id, which becomes the participant's identity.
            claims: More claims, for instance ``name="Alice"``.

        Raises:
            CallError: The endpoint trusts foreign providers only.
        """
        if not self.issuers:
            raise CallError(
                _("This endpoint has no identity provider of its own."),
                next_step=_("Sign in where its verifiers look, or leave “verifiers” out."),
            )
        return self.issuers[0].sign(subject, **claims)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def start(self) -> Self:
        """Open the endpoint.

        Raises:
            BadValue: Its port is taken.
        """
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/token", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise BadValue(
                _("Port {port} cannot be opened.").format(port=self._port),
                f"{error.strerror}.",
                _("Leave the port out to get a free one."),
            ) from None
        self._runner = runner
        self._port = int(runner.addresses[0][1])
        server = self._server
        self._api = LiveKitAPI(server.http_url, server.api_key, server.api_secret)
        return self

    async def close(self) -> None:
        """Close the endpoint; closing twice is fine."""
        runner, self._runner = self._runner, None
        api, self._api = self._api, None
        if runner is not None:
            await runner.cleanup()
        if api is not None:
            await api.aclose()

    async def _handle(self, request: web.Request) -> web.Response:
        origin = request.headers.get("Origin", "")
        try:
            if origin and not allowed_origin(origin, self._host):
                raise Refused(403, "origin", _("Pages from elsewhere may not ask here."))
            if request.method == "OPTIONS":
                answer = web.Response(status=204)
            elif request.method == "POST":
                answer = await self._token(request)
            else:
                raise Refused(405, "method", _("Ask with POST."))
        except Refused as refused:
            self._note(refused.status, refused.error, refused.identity, refused.room)
            answer = refusal(refused)
            origin = "" if refused.error == "origin" else origin
        return _with_headers(answer, origin)

    async def _token(self, request: web.Request) -> web.Response:
        identity = self._who(request.headers.get("Authorization", ""))
        wanted = await read_request(request, self._default_room)
        try:
            return await self._token_for(identity, wanted)
        except Refused as refused:
            refused.identity, refused.room = identity.subject, wanted.room
            raise

    async def _token_for(self, identity: Identity, wanted: TokenRequest) -> web.Response:
        rights = self._rights(identity, wanted.room)
        if rights is None:
            raise Refused(403, "forbidden", _("You may not join this room."))
        await self._must_have_a_seat(identity.subject, wanted.room)
        name = identity.name or wanted.name
        token = room_token(
            self._server,
            identity.subject,
            wanted.room,
            name=name,
            ttl_s=self._ttl_s,
            max_participants=self._max_participants,
            attributes=wanted.attributes,
            metadata=wanted.metadata,
            **rights,
        )
        self._note(200, "", identity.subject, wanted.room)
        told = {"server_url": self._server.url, "participant_token": token}
        told |= {"participant_name": name, "room_name": wanted.room}
        return web.json_response(told)

    def _who(self, authorization: str) -> Identity:
        scheme, _space, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "no_token", _("Send an ID token: “Authorization: Bearer …”."))
        verifier = self._verifier(token.strip())
        try:
            return verifier.verify(token.strip())
        except BadIdToken as bad:
            raise Refused(401, f"id_token_{bad.reason}", str(bad)) from None

    def _verifier(self, token: str) -> IdTokenVerifier:
        import jwt

        try:  # unchecked: it only chooses who checks, and who checks looks at it again
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError:
            bad = BadIdToken(Reason.MALFORMED, _("It is not a token."))
            raise Refused(401, "id_token_malformed", str(bad)) from None
        if not isinstance(issuer, str) or issuer not in self._verifiers:
            bad = BadIdToken(Reason.ISSUER, _("It is from an issuer that is not known here."))
            raise Refused(401, "id_token_issuer", str(bad))
        return self._verifiers[issuer]

    async def _must_have_a_seat(self, identity: str, room: str) -> None:
        assert self._api is not None
        try:
            seats = await room_seats(self._api, room, self._max_participants)
        except (ServerError, ClientError, TimeoutError, OSError):
            raise Refused(503, "server", _("The LiveKit server does not answer.")) from None
        if seats.full_for(identity):
            raise Refused(409, "full", _("The room is full. {seats}").format(seats=seats))

    def _note(self, status: int, error: str, identity: str, room: str) -> None:
        self.visits.append(Visit(status, error, identity, room))


def _with_headers(answer: web.Response, origin: str) -> web.Response:
    answer.headers["Cache-Control"] = "no-store"
    if origin:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Methods"] = "POST"
        answer.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        answer.headers["Vary"] = "Origin"
    return answer


def _everybody(identity: Identity, room: str) -> Mapping[str, Any]:
    return {}


def token_endpoint(
    server: Server | ServerAddress,
    *,
    verifiers: Sequence[IdTokenVerifier] | None = None,
    rights: Rights = _everybody,
    max_participants: int | None = None,
    ttl_s: float = TOKEN_TTL_S,
    default_room: str = "lab",
    lan: str | None = None,
    port: int | None = None,
) -> TokenEndpoint:
    """Return a token endpoint that ``async with`` opens.

    Two who ask for the last seat at the same time both get a token; the server then lets only
    one of them in.

    Args:
        server: The LiveKit server that the tokens are for; it has to be running.
        verifiers: Whose ID tokens count; None makes two providers of the lab's own, one in the
            style of Firebase and one in the style of Supabase (``endpoint.issuers``).
        rights: Which rights somebody gets in a room; everything that a person may without it.
        max_participants: Limit of rooms that are made by joining; None for none.
        ttl_s: Seconds until a token expires, 1 to 600 with ``lan``.
        default_room: Where those go who do not name a room.
        lan: An address of this machine, to be reached from its network; None for loopback.
        port: TCP port; None for a free one.

    Raises:
        BadValue: ``lan`` is not an address of this machine, or tokens would live too long there.
    """
    if lan is not None:
        check_lan_address(lan)
        if not 1 <= ttl_s <= TOKEN_TTL_S:
            raise BadValue(
                _("Tokens that leave this machine live {most} s at most.").format(most=TOKEN_TTL_S),
                next_step=_("Leave “ttl_s” out."),
            )
    address = server.address if isinstance(server, Server) else server
    issuers = () if verifiers is not None else (FirebaseIssuer(), SupabaseIssuer())
    trusted = [issuer.verifier() for issuer in issuers] if verifiers is None else verifiers
    return TokenEndpoint(
        address,
        trusted,
        issuers=issuers,
        rights=rights,
        max_participants=max_participants,
        ttl_s=ttl_s,
        default_room=default_room,
        host=lan or "127.0.0.1",
        port=port or 0,
    )
