"""A child that answers, fails, keeps silent or hangs, as it is asked."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from labkit.errors import BadValue
from labkit.process import Pipe, end_soon


def main(pipe: Pipe) -> None:
    """Serve one parent."""
    inbox: queue.Queue[Any] = queue.Queue()

    def ended() -> None:
        end_soon()
        inbox.put(None)

    threading.Thread(target=pipe.listen, args=(inbox.put, ended), daemon=True).start()
    while (message := inbox.get()) is not None:
        number, method, arguments = message
        if method == "echo":
            pipe.send((number, True, arguments["value"]))
        elif method == "fail":
            pipe.send((number, False, BadValue("That is too much.", "It is.", "Ask for less.")))
        elif method == "shout":
            print("a stray print")
            pipe.send((number, True, None))
        elif method == "hang":
            time.sleep(60)
