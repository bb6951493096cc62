"""What a client may ask the token endpoint for, and how it is refused."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from labkit.words import _

__all__ = ["Refused", "TokenRequest", "allowed_origin", "read_request", "refusal"]

LONGEST_NAME = 256


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        error: One word for machines.
        message: The same for people; no token and no secret in it.
    """

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.identity = self.room = ""


@dataclass(frozen=True)
class TokenRequest:
    """What a client asks for. What it says about its identity and the room's settings is not read:
    those are the backend's business."""

    room: str
    name: str
    metadata: str
    attributes: dict[str, str]


async def read_request(request: web.Request, default_room: str) -> TokenRequest:
    """Read a request's body.

    Args:
        request: The request.
        default_room: The room of one that names none.

    Raises:
        Refused: It is too large, not JSON, or not what the SDKs send.
    """
    if request.content_type != "application/json":
        raise Refused(415, "content_type", _("Send JSON: “Content-Type: application/json”."))
    try:
        body = json.loads(await request.read() or b"{}")
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, "too_large", _("The request is too large.")) from None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "json", _("The request's body is not a JSON object."))
    return TokenRequest(
        room=_text(body, "room_name") or default_room,
        name=_text(body, "participant_name"),
        metadata=_text(body, "participant_metadata", longest=4096),
        attributes=_attributes(body.get("participant_attributes")),
    )


def allowed_origin(origin: str, own_address: str) -> bool:
    """Return whether a page from there may ask: from this machine, or from our own address.

    Args:
        origin: ``http://localhost:8080`` and the like (RFC 6454).
        own_address: The address that the endpoint listens on.
    """
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    if host in ("localhost", own_address):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(refused: Refused) -> web.Response:
    """Return the answer to a refused request.

    Args:
        refused: Why.
    """
    told = {"error": refused.error, "message": refused.message}
    answer = web.json_response(told, status=refused.status)
    if refused.status == 401:  # RFC 6750 §3
        bad = "" if refused.error == "no_token" else ' error="invalid_token"'
        answer.headers["WWW-Authenticate"] = f"Bearer{bad}"
    if refused.status == 405:
        answer.headers["Allow"] = "POST, OPTIONS"
    return answer


def _text(body: dict[str, Any], name: str, longest: int = LONGEST_NAME) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(
            400,
            "field",
            _("“{name}” has to be a text of up to {longest} characters.").format(
                name=name, longest=longest
            ),
        )
    return value


def _attributes(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    fine = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if not fine:
        raise Refused(400, "field", _("“participant_attributes” has to be texts by name."))
    return dict(value)
