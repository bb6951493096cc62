"""What every LiveKit server is for its users, the lab's own or a foreign one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from labkit.rooms.address import ServerAddress

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI

__all__ = ["Server"]


class Server:
    """A LiveKit server and the key to it; an async context manager."""

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def start(self) -> Self:
        """Return when the server answers."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the server."""
        raise NotImplementedError

    @property
    def address(self) -> ServerAddress:
        """Where the server is, and its key, for other processes."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where clients connect to, for instance ``ws://127.0.0.1:7880``."""
        return self.address.url

    @property
    def http_url(self) -> str:
        """The same address for HTTP: the API and WHIP."""
        return self.address.http_url

    @property
    def api_key(self) -> str:
        """Name of the key that signs tokens."""
        return self.address.api_key

    @property
    def api_secret(self) -> str:
        """The secret that signs tokens: it stays in the backend."""
        return self.address.api_secret

    @property
    def alive(self) -> bool:
        """Whether the server runs, as far as the lab knows."""
        return True

    @property
    def opened(self) -> str:
        """What other machines can reach because of us, in words; empty where that is nothing."""
        return ""

    def log(self, search: str = "") -> list[str]:
        """Return the lines of the server's log, where it is ours to read.

        Args:
            search: Only lines that contain this, upper and lower case alike.
        """
        return []

    async def metrics(self) -> dict[str, float]:
        """Return the server's counters by name and labels."""
        raise NotImplementedError

    async def restart(self) -> None:
        """End the server if it runs, and start it as it was."""
        raise NotImplementedError

    async def kill(self) -> None:
        """End the server at once, as a crash would."""
        raise NotImplementedError

    def api(self) -> LiveKitAPI:
        """Return the server's API with all rights; ``async with server.api() as api``."""
        from livekit.api import LiveKitAPI

        return LiveKitAPI(self.http_url, self.api_key, self.api_secret)
