"""What a user asks of a LiveKit server, and the settings that this becomes on this machine."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field

from labkit.errors import BadValue
from labkit.rooms.address import TurnAddress
from labkit.rooms.config import ServerConfig
from labkit.rooms.ports import free_port, free_udp_range
from labkit.words import _

__all__ = ["ServerOptions", "check_lan_address"]

RELAY_PORTS = 40
"""Ports that the embedded TURN relays through: two or three a participant."""


@dataclass(frozen=True)
class ServerOptions:
    """What ``lab.livekit(...)`` was asked for; see there. The secret is made with it."""

    max_participants: int | None = None
    empty_timeout_s: int = 30
    departure_timeout_s: int = 20
    auto_create: bool = True
    enable_remote_unmute: bool = False
    playout_delay_ms: tuple[int, int] | None = None
    turn: bool | TurnAddress = False
    port: int | None = None
    udp_port: int | None = None
    lan: str | None = None
    log_level: str = "info"
    api_key: str = "labkey"
    api_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def __post_init__(self) -> None:
        if self.lan is not None:
            check_lan_address(self.lan)
        self.config()  # what is out of range is said now, not when the server starts

    @property
    def fixed_ports(self) -> bool:
        """Whether the user chose a port, so that the lab may not try another."""
        return self.port is not None or self.udp_port is not None

    def config(self) -> ServerConfig:
        """Return settings with ports that are free now."""
        address = self.lan or "127.0.0.1"
        beside = self.turn if isinstance(self.turn, TurnAddress) else None
        embedded = bool(self.turn) and beside is None
        return ServerConfig(
            address=address,
            api_key=self.api_key,
            api_secret=self.api_secret,
            port=free_port(address) if self.port is None else self.port,
            udp_port=free_port(address, "udp") if self.udp_port is None else self.udp_port,
            metrics_port=free_port(address),
            metrics_password=secrets.token_urlsafe(16),
            turn_port=free_port(address, "udp") if embedded else None,
            relay_ports=free_udp_range(address, RELAY_PORTS) if embedded else range(0),
            turn_server=beside,
            max_participants=self.max_participants,
            empty_timeout_s=self.empty_timeout_s,
            departure_timeout_s=self.departure_timeout_s,
            auto_create=self.auto_create,
            enable_remote_unmute=self.enable_remote_unmute,
            playout_delay_ms=self.playout_delay_ms,
            log_level=self.log_level,
        )

    def opened(self, config: ServerConfig) -> str:
        """Return what other machines can reach, in words; empty where that is nothing.

        Args:
            config: The settings that the server runs with.
        """
        if self.lan is None:
            return ""
        open_now = [
            _("TCP port {port} (rooms, with a token)").format(port=config.port),
            _("TCP port {port} (counters, with a password)").format(port=config.metrics_port),
            _("UDP port {port} (media)").format(port=config.udp_port),
        ]
        if config.turn_port is not None:
            relayed = config.relay_ports
            open_now += [
                _("UDP port {port} (TURN, with a password)").format(port=config.turn_port),
                _("UDP ports {first} to {last} (what TURN relays)").format(
                    first=relayed.start, last=relayed.stop - 1
                ),
            ]
        return _(
            "Open to every machine that reaches {address}: {ports}; without TLS, until the "
            "server ends."
        ).format(address=config.address, ports=", ".join(open_now))


def check_lan_address(address: str) -> None:
    """Refuse what is not one IPv4 address of this machine in a network.

    Args:
        address: For instance ``192.168.1.5``.

    Raises:
        BadValue: It is none, is loopback, is “everywhere”, or is another machine's.
    """
    own = own_addresses()
    advice = _("Addresses of this machine: {addresses}.").format(addresses=", ".join(own) or "–")
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        raise BadValue(
            _("{address!r} is not an IPv4 address.").format(address=address), advice
        ) from None
    if parsed.is_unspecified:
        why = _("It would open the server to every network that this machine is in.")
        raise BadValue(_("The address {address} is refused.").format(address=address), why, advice)
    if parsed.is_loopback:
        why = _("Other machines cannot reach it.")
        raise BadValue(_("The address {address} is loopback.").format(address=address), why, advice)
    if address not in own:
        raise BadValue(
            _("The address {address} is not one of this machine.").format(address=address), advice
        )


def own_addresses() -> list[str]:
    """Return this machine's IPv4 addresses other than loopback."""
    import ifaddr

    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in found if not address.startswith("127.")]
