"""Seeds that are the same on every machine and in every process."""

from __future__ import annotations

import hashlib

__all__ = ["derive_seed"]


def derive_seed(*parts: object) -> int:
    """Return a 64-bit seed made from the text of ``parts``.

    Args:
        parts: For instance the call's seed, the direction and the name of the stream.
    """
    text = "\x1f".join(str(part) for part in parts)
    # hash() is salted per process, so that two processes would disagree.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
