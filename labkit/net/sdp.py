"""Put the relay's address into a session description, and take all others out."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

__all__ = ["Address", "replace_candidates"]

Address = tuple[str, int]
"""IPv4 address and UDP port."""

_PRIORITY = 2130706431
"""Of a host candidate with the highest local preference: RFC 8445 section 5.1.2.1."""


def replace_candidates(sdp: str, host: str, port: int) -> tuple[str, list[Address]]:
    """Return the description with one candidate per m-section, the relay's, and what was there.

    All other candidates go (TCP and mDNS too), so that nobody learns a way around the relay.
    An ``a=end-of-candidates`` line stays; a section with port 0 (rejected, or bundle-only)
    gets no candidate. Source: RFC 8839 section 5.1, RFC 9143 (BUNDLE).

    Args:
        sdp: Offer or answer.
        host: IPv4 address of the relay's socket.
        port: Its UDP port.

    Returns:
        The new description, and the UDP addresses of the far side that were in it, the best
        first; without mDNS names, which only their owner can resolve.
    """
    head, *sections = re.split(r"(?m)^(?=m=)", sdp)
    found: dict[Address, int] = {}
    for line in sdp.splitlines():
        found.update(_far_address(line))
    parts = [_without_address(head, host), *(_relayed(part, host, port) for part in sections)]
    return "".join(parts), sorted(found, key=lambda address: -found[address])


def _far_address(line: str) -> dict[Address, int]:
    """Return the address and priority of a candidate that a datagram can be sent to."""
    words = line.split()
    if not line.startswith("a=candidate:") or len(words) < 8:
        return {}
    _foundation, component, transport, priority, host, port = words[:6]
    if component != "1" or transport.lower() != "udp":
        return {}
    try:
        return {(str(IPv4Address(host)), int(port)): int(priority)}
    except ValueError:
        return {}


def _relayed(section: str, host: str, port: int) -> str:
    if re.match(r"m=\S+ 0 ", section):
        return _without_address(section, host)
    section = re.sub(r"\A(m=\S+) \d+", rf"\g<1> {port}", section)
    section = re.sub(r"(?m)^a=rtcp:\d+", f"a=rtcp:{port}", section)
    line = f"a=candidate:1 1 udp {_PRIORITY} {host} {port} typ host"
    return _with_line(_without_address(section, host), line)


def _without_address(part: str, host: str) -> str:
    """Drop the candidates, and let the lines that name an address name the relay's."""
    part = re.sub(r"(?m)^a=(?:remote-)?candidates?:.*\r?\n?", "", part)
    return re.sub(r"(?m)^(c=|a=rtcp:\d+ )IN IP[46] [^\s/]+", rf"\g<1>IN IP4 {host}", part)


def _with_line(section: str, line: str) -> str:
    """Add the line where the section's candidates belong: before their end, or last."""
    newline = "\r\n" if "\r\n" in section else "\n"
    before, mark, after = section.partition("a=end-of-candidates")
    if before and not before.endswith("\n"):
        before += newline
    return f"{before}{line}{newline}{mark}{after}"
