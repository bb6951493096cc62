"""How those who take part in an exam are called in its Run, and what is written down of them."""

from __future__ import annotations

__all__ = [
    "BACK",
    "CANDIDATE",
    "CHANGE",
    "ENDPOINT",
    "EXAMINER",
    "GIVEN",
    "KILLED",
    "KINDS",
    "REFUSED",
    "SDK",
    "SFU",
    "SOUND",
    "THIRD",
    "VIDEO",
    "WHIP",
]

EXAMINER, CANDIDATE, THIRD, ENDPOINT = "examiner", "candidate", "third", "token endpoint"
SFU = "sfu"

VIDEO, SOUND = f"{CANDIDATE}:video", f"{CANDIDATE}:audio"

SDK, WHIP = "sdk", "whip"
KINDS = (SDK, WHIP)
"""An app with one of LiveKit's client SDKs; or a page that has none and joins by WHIP."""

CHANGE = "picture_change"
"""Sample: mean difference of two pictures half a second apart, in steps of luma (0 to 255)."""

KILLED, BACK = "server_killed", "server_restarted"
"""Events of the server."""

GIVEN, REFUSED = "token_given", "token_refused"
"""Events of the token endpoint."""
