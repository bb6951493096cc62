"""What the LiveKit server is told, as a dataclass, and its YAML; nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labkit.errors import BadValue
from labkit.rooms.address import TurnAddress
from labkit.words import _

__all__ = ["ServerConfig", "SHORTEST_SECRET"]

SHORTEST_SECRET = 32
"""Characters; shorter ones can be guessed, and both the server and PyJWT complain."""

PASSWORD_S = 3600
"""How long the password holds that a client gets for a TURN server beside LiveKit's."""


@dataclass(frozen=True)
class ServerConfig:
    """The settings of one server.

    Args:
        api_key: Name of the key that signs tokens.
        api_secret: The secret itself, 32 characters or more.
        port: TCP port of signaling, API and WHIP.
        udp_port: UDP port of all media.
        metrics_port: TCP port of the counters.
        metrics_password: Their password; on a network they are nobody's business.
        address: The one IPv4 address that everything binds to.
        turn_port: UDP port of the embedded TURN server; None for no TURN.
        relay_ports: Ports that TURN relays through, where it is on.
        turn_server: A TURN server beside it that clients are told of; None for no other.
        max_participants: 1 or more a room; None for no limit.
        empty_timeout_s: Seconds that a room nobody has joined is kept, 1–86,400.
        departure_timeout_s: Seconds that a room is kept after the last one left, 1–86,400.
        auto_create: Whether joining an unknown room makes it.
        enable_remote_unmute: Whether a backend may un-mute somebody.
        playout_delay_ms: Least and most delay that receivers are asked to play with, 0–10,000.
        log_level: ``debug``, ``info``, ``warn`` or ``error``.
    """

    api_key: str
    api_secret: str = field(repr=False)
    port: int
    udp_port: int
    metrics_port: int
    metrics_password: str = field(repr=False)
    address: str = "127.0.0.1"
    turn_port: int | None = None
    relay_ports: range = range(0)
    turn_server: TurnAddress | None = None
    max_participants: int | None = None
    empty_timeout_s: int = 30
    departure_timeout_s: int = 20
    auto_create: bool = True
    enable_remote_unmute: bool = False
    playout_delay_ms: tuple[int, int] | None = None
    log_level: str = "info"

    def __post_init__(self) -> None:
        if len(self.api_secret) < SHORTEST_SECRET:
            raise BadValue(
                _("The API secret is too short."),
                _("It needs {count} characters or more.").format(count=SHORTEST_SECRET),
                _("Leave it out: the lab makes one of its own."),
            )
        for name in ("port", "udp_port", "metrics_port", "turn_port"):
            _within(name, getattr(self, name), 1, 65535)
        _within("max_participants", self.max_participants, 1, 1_000_000)
        _within("empty_timeout_s", self.empty_timeout_s, 1, 86_400)
        _within("departure_timeout_s", self.departure_timeout_s, 1, 86_400)
        for delay in self.playout_delay_ms or ():
            _within("playout_delay_ms", delay, 0, 10_000)
        if self.log_level not in ("debug", "info", "warn", "error"):
            raise BadValue(
                _("There is no log level {level!r}.").format(level=self.log_level),
                next_step=_("Choose debug, info, warn or error."),
            )

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://{self.address}:{self.port}"

    @property
    def metrics_url(self) -> str:
        """Where the counters are."""
        return f"http://{self.address}:{self.metrics_port}/metrics"

    @property
    def secrets(self) -> list[str]:
        """What must not be seen in the server's log."""
        own = [self.api_secret, self.metrics_password]
        return own if self.turn_server is None else [*own, self.turn_server.secret]

    def to_yaml(self) -> str:
        """Return the settings as the server reads them."""
        import yaml

        return str(yaml.safe_dump(self.to_dict(), sort_keys=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings in the server's own names."""
        settings: dict[str, Any] = {
            "port": self.port,
            "bind_addresses": [self.address],
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": self.log_level},
            "rtc": self._rtc(),
            "room": self._room(),
            "prometheus": {
                "port": self.metrics_port,
                "username": self.api_key,
                "password": self.metrics_password,
            },
        }
        if self.turn_port is not None:
            settings["turn"] = self._turn()
        return settings

    def _rtc(self) -> dict[str, Any]:
        # Without a STUN server named here, clients are sent to public ones. Where there is no
        # TURN (which answers STUN too), it is a port where nobody is.
        beside = self.turn_server
        stun = f"{self.address}:{self.turn_port or self.metrics_port}"
        seconds = {"summary_interval": "1s", "report_interval": "1s", "report_window": "10s"}
        settings: dict[str, Any] = {
            "udp_port": self.udp_port,
            "tcp_port": 0,  # it would listen on every address, whatever bind_addresses says
            "use_external_ip": False,
            "node_ip": self.address,
            "enable_loopback_candidate": self.address.startswith("127."),
            "ips": {"includes": [f"{self.address}/32"]},
            "stun_servers": [stun],
            "forward_stats": seconds,
        }
        if beside is not None:
            settings["stun_servers"] = [f"{beside.host}:{beside.port}"]
            settings["turn_servers"] = [
                {
                    "host": beside.host,
                    "port": beside.port,
                    "protocol": "udp",
                    "secret": beside.secret,
                    "ttl": PASSWORD_S,
                }
            ]
        return settings

    def _turn(self) -> dict[str, Any]:
        return {
            "enabled": True,
            "udp_port": self.turn_port,
            "bind_addresses": [self.address],
            "relay_range_start": self.relay_ports.start,
            "relay_range_end": self.relay_ports.stop - 1,
            # Since 1.12 it relays to nobody on this machine unless it is told to.
            "allow_restricted_peer_cidrs": [f"{self.address}/32"],
        }

    def _room(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "auto_create": self.auto_create,
            "empty_timeout": self.empty_timeout_s,
            "departure_timeout": self.departure_timeout_s,
            "max_participants": self.max_participants or 0,
            "enable_remote_unmute": self.enable_remote_unmute,
        }
        if self.playout_delay_ms is not None:
            least, most = self.playout_delay_ms
            settings["playout_delay"] = {"enabled": True, "min": least, "max": most}
        return settings


def _within(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise BadValue(
            _("{name} cannot be {value}.").format(name=name, value=value),
            _("It goes from {least} to {most}.").format(least=least, most=most),
        )
