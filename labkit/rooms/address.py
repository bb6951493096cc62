"""Where a LiveKit server is, and with which key it is used."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ServerAddress", "TurnAddress"]


@dataclass(frozen=True)
class ServerAddress:
    """A server's address and key; it can be pickled, and printing it does not tell the secret.

    Args:
        url: ``ws://127.0.0.1:7880`` or alike.
        api_key: Name of the key.
        api_secret: The secret that signs tokens.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    @property
    def http_url(self) -> str:
        """The same address for HTTP."""
        return "http" + self.url.removeprefix("ws") if self.url.startswith("ws") else self.url


@dataclass(frozen=True)
class TurnAddress:
    """Where a TURN server is, and the secret that its users' passwords are made from."""

    host: str
    port: int
    secret: str = field(repr=False)
