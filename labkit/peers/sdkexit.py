"""Lets the SDK's threads come to rest before Python ends.

At the end of a process the SDK gives up its runtime; one of its threads may still want to tell
Python something. While Python is being taken down, that thread is ended in the middle of native
code, which aborts the process (seen once in twelve ends on a busy machine). What is registered
here runs after the SDK's own end, as long as this module was loaded before the SDK was used.
"""

from __future__ import annotations

import atexit
import sys
import time

__all__ = ["SETTLE_S"]

SETTLE_S = 0.1


def _settle() -> None:
    client = sys.modules.get("livekit.rtc._ffi_client")
    if client is not None and client.FfiClient._instance is not None:
        time.sleep(SETTLE_S)


atexit.register(_settle)
