"""What an exam is made of, as plain data that travels to the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.exam.names import CANDIDATE, EXAMINER, SDK
from labkit.experiments.roomspec import RoomSpec

if TYPE_CHECKING:
    from labkit.exam.session import ExamSession
    from labkit.net.relay_handle import Relay
    from labkit.peers.clock import Clock

__all__ = ["ExamSpec"]


@dataclass(frozen=True)
class ExamSpec(RoomSpec):
    """A room with the examiner in it, and a door for somebody who is no process of the lab.

    Args:
        kind: ``sdk`` or ``whip``.
        nonce: The number in the examiner's picture.
        back_within_s: How soon the candidate's media must be back after a server's death.
        lan: Address of this machine that the door is opened on; None for loopback.
    """

    kind: str = SDK
    nonce: str = ""
    back_within_s: float = 15.0
    lan: str | None = None

    @property
    def measured(self) -> tuple[str, str]:
        """Sender and receiver that a figure is about unless told otherwise."""
        return CANDIDATE, EXAMINER

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``."""
        about = {"kind": self.kind, "nonce": self.nonce, "back_within_s": self.back_within_s}
        return {**super().asked(), "exam": about}

    def session(
        self, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> ExamSession:
        """Return the session that runs this exam."""
        from labkit.exam.session import ExamSession

        return ExamSession(self, relay, clock, notify)
