"""A child that answers, fails, keeps silent or hangs, as it is asked."""

from __future__ import annotations

import time

from labkit.errors import BadValue
from labkit.process import Pipe
from labkit.serving import inbox_of


def main(pipe: Pipe) -> None:
    """Serve one parent."""
    inbox = inbox_of(pipe)
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
