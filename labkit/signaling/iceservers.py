"""The ICE servers that a WHIP server names in its Link headers (RFC 9725 section 4.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

__all__ = ["IceServer", "ice_servers_in"]

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w!#$%&*+.^`|~-]+\s*=\s*(?:"(?:\\.|[^"\\])*"|[^",;]*))*)')
_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^",;]*))')


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


def ice_servers_in(links: Iterable[str]) -> list[IceServer]:
    """Return the servers in Link headers (RFC 8288), in their order.

    Args:
        links: Values of all Link headers; each may hold several links.
    """
    found = []
    for header in links:
        for url, parameters in _LINK.findall(header):
            named = {
                name.lower(): _unquoted(quoted) if quoted else plain.strip()
                for name, quoted, plain in _PARAMETER.findall(parameters)
            }
            if "ice-server" in named.get("rel", "").split():
                found.append(
                    IceServer(unquote(url), named.get("username"), named.get("credential"))
                )
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
