"""Tokens cut out of texts before anybody reads them."""

from __future__ import annotations

import re

__all__ = ["hide_tokens"]

# Header and claims are JSON objects in base64url, so that both begin with "eyJ" ({" and one
# more letter); a token of algorithm "none" has an empty third part.
_TOKEN = re.compile(r"eyJ[\w-]+\.(eyJ|e30)[\w-]*\.[\w-]*")


def hide_tokens(text: str) -> str:
    """Return ``text`` with each token's place taken by “…”.

    Args:
        text: Anything, for instance the server's answer to a bad token, which repeats it.
    """
    return _TOKEN.sub("…", text)
