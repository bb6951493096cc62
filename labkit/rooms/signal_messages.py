"""The messages of LiveKit's WebSocket: made readable, and with the relay's address in them.

The server's addresses are replaced by the relay's and the client's are taken out, so that the
only way between the two is the relay. Pure: bytes in, bytes and text out.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from labkit.net.sdp import Address, replace_candidates
from labkit.rooms.hiding import hide_tokens
from labkit.signaling.base import Body

__all__ = [
    "Passage",
    "hide_secrets",
    "open_join_request",
    "read_body",
    "to_client",
    "to_server",
]

_PASSWORD = re.compile(r"(?m)^(a=ice-pwd:).*$")
_CANDIDATE = re.compile(r"(?m)^a=(?:candidate:|end-of-candidates).*\r?\n?")
_SECRET_KEYS = frozenset({"credential", "refresh_token", "token", "turn_password"})
_HIDDEN = "(hidden)"
_BELOW = "(below)"

_MOST_JOIN_BYTES = 1 << 20

# Base64 of either alphabet; a plus sign in an address is read as a space.
_STANDARD = str.maketrans("-_ ", "+/+")


@dataclass(frozen=True)
class Passage:
    """What becomes of one message.

    Args:
        name: Which message it is, for instance ``add_track``.
        body: What its sender wrote, readable: JSON, and each SDP as it is below; no secrets.
        data: What is passed on; None keeps the message back.
        addresses: Where the server said it can be reached by UDP, the best first.
    """

    name: str
    body: Body
    data: bytes | None
    addresses: tuple[Address, ...] = ()


def to_client(data: bytes, relay: Address) -> Passage:
    """Return what becomes of a ``SignalResponse`` on its way from the server to the client.

    Candidates in trickle messages and descriptions become the relay's; TCP candidates, ICE
    servers and other servers' addresses go, because each is a way around the relay.

    Args:
        data: The WebSocket message.
        relay: Address and port that the client is given in place of the server's.
    """
    message = _parse(rtc.SignalResponse, data)
    if message is None:
        return _unreadable(data)
    name = message.WhichOneof("message") or "unknown"
    body = _body(message, name, len(data))
    addresses: list[Address] = []
    if name in ("offer", "answer"):
        description = getattr(message, name)
        description.sdp, addresses = replace_candidates(description.sdp, *relay)
    elif name == "trickle":
        candidate, addresses = _relayed_candidate(message.trickle.candidateInit, relay)
        if candidate is None and not message.trickle.final:
            return Passage(name, body, None)
        message.trickle.candidateInit = candidate or ""
    elif name in ("join", "reconnect"):
        getattr(message, name).ClearField("ice_servers")
        if name == "join":
            message.join.ClearField("alternative_url")
    elif name == "leave":
        message.leave.ClearField("regions")
    else:
        return Passage(name, body, data)
    return Passage(name, body, message.SerializeToString(), tuple(addresses))


def to_server(data: bytes) -> Passage:
    """Return what becomes of a ``SignalRequest`` on its way from the client to the server.

    The server is never told a candidate of the client: it would send to it directly. It learns
    the relay's address from the first datagram (peer-reflexive, RFC 8445 section 7.3.1.3).

    Args:
        data: The WebSocket message.
    """
    message = _parse(rtc.SignalRequest, data)
    if message is None:
        return _unreadable(data)
    name = message.WhichOneof("message") or "unknown"
    body = _body(message, name, len(data))
    if name == "trickle":
        return Passage(name, body, None)
    if name in ("offer", "answer"):
        changed = _strip(getattr(message, name))
    elif name == "sync_state":
        changed = _strip_state(message.sync_state)
    else:
        changed = False
    return Passage(name, body, message.SerializeToString() if changed else data)


def open_join_request(parameter: str) -> tuple[str, Body] | None:
    """Return the parameter ``join_request`` to pass on, and what it says; None if unreadable.

    Args:
        parameter: A ``WrappedJoinRequest`` in base64, as in the query of ``/rtc/v1``.
    """
    try:
        wire = base64.b64decode(parameter.translate(_STANDARD) + "==")
        wrapped = rtc.WrappedJoinRequest.FromString(wire)
        request = rtc.JoinRequest.FromString(_unpacked(wrapped))
    except (binascii.Error, DecodeError, zlib.error, ValueError):
        return None
    body = Body.of(_text(_tree(request)), len(parameter))
    if not (_strip(request.publisher_offer) | _strip_state(request.sync_state)):
        return parameter, body
    plain = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(plain.SerializeToString()).decode(), body


def read_body(body: str) -> Any:
    """Return the JSON of a readable message as Python values, without the SDP below it."""
    return json.JSONDecoder().raw_decode(body)[0]


def hide_secrets(text: str) -> str:
    """Return text without access tokens and ICE passwords."""
    return _PASSWORD.sub(rf"\1{_HIDDEN}", hide_tokens(text))


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        return None


def _unreadable(data: bytes) -> Passage:
    # What cannot be read could name a way around the relay.
    return Passage("unreadable", Body.of(json.dumps({}), len(data)), None)


def _unpacked(wrapped: Any) -> bytes:
    data: bytes = wrapped.join_request
    if not data:
        raise ValueError("there is no join request")
    if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
        gzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
        data = gzip.decompress(data, _MOST_JOIN_BYTES)
        if gzip.unconsumed_tail:
            raise ValueError("the join request is too long")
    return data


def _relayed_candidate(init: str, relay: Address) -> tuple[str | None, list[Address]]:
    """Return a trickled candidate with the relay's address, and the address that was there.

    None for one that is no UDP candidate over IPv4. Source: RFC 8839 section 5.1.
    """
    try:
        tree = json.loads(init)
        words = tree["candidate"].split()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, []
    if not words:  # the end of candidates
        return init, []
    if len(words) < 8 or words[2].lower() != "udp":
        return None, []
    try:
        address = (str(IPv4Address(words[4])), int(words[5]))
    except ValueError:
        return None, []
    tree["candidate"] = " ".join([*words[:4], relay[0], str(relay[1]), "typ", "host"])
    return json.dumps(tree), [address] if words[1] == "1" else []


def _strip(description: Any) -> bool:
    """Take the candidates out of a description; return whether there were any."""
    stripped = _CANDIDATE.sub("", description.sdp)
    changed: bool = stripped != description.sdp
    if changed:
        description.sdp = stripped
    return changed


def _strip_state(state: Any) -> bool:
    return _strip(state.offer) | _strip(state.answer)


def _body(message: Any, name: str, size_bytes: int) -> Body:
    return Body.of(_text(_tree(message).get(name, {}), name), size_bytes)


def _tree(message: Any) -> dict[str, Any]:
    tree: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return tree


def _text(tree: Any, name: str = "") -> str:
    sdps = list(_lift_sdps(tree))
    lines = json.dumps(_shown(tree, name), indent=1, ensure_ascii=False)
    return hide_secrets("\n\n".join([lines, *sdps]))


def _lift_sdps(tree: Any) -> Iterator[str]:
    """Take each SDP out of the tree: one line of escapes is nothing to read."""
    if isinstance(tree, dict):
        if isinstance(tree.get("sdp"), str):
            yield tree["sdp"].replace("\r\n", "\n")
            tree["sdp"] = _BELOW
        for value in tree.values():
            yield from _lift_sdps(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _lift_sdps(value)


def _shown(tree: Any, key: str = "") -> Any:
    if isinstance(tree, dict):
        return {name: _shown(value, name) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_shown(value) for value in tree]
    if key in _SECRET_KEYS:
        return _HIDDEN
    if key == "candidateInit":
        try:
            return json.loads(tree)
        except ValueError:
            return tree
    return tree
