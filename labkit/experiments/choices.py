"""What calls, meshes and rooms can choose from, and the checks that all of them share."""

from __future__ import annotations

from typing import Any

from labkit.errors import BadValue
from labkit.words import _

__all__ = [
    "CODECS",
    "JITTER_BUFFERS",
    "PLACES",
    "check_choice",
    "check_jitter_buffer",
    "check_seed",
]

CODECS = ("vp8", "h264")
JITTER_BUFFERS = ("marker", "stock")
"""The same names as in ``peers``, told here without loading aiortc; a test holds them equal."""

PLACES = ("worker", "kernel")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices.

    Args:
        name: The argument that it was given for.
        value: What was given.
        choices: What is possible.

    Raises:
        BadValue: It is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise BadValue(
            _("{name}={value!r} is not known.").format(name=name, value=value),
            next_step=_("Use one of: {choices}.").format(choices=", ".join(choices)),
        )


def check_jitter_buffer(value: Any) -> None:
    """Refuse what is neither the name of a jitter buffer nor a class of one's own.

    Args:
        value: What was given.

    Raises:
        BadValue: It is neither.
    """
    if not isinstance(value, type):
        check_choice("jitter_buffer", value, JITTER_BUFFERS)
    elif not callable(getattr(value, "add", None)):
        raise BadValue(
            _("{name} is no jitter buffer.").format(name=value.__name__),
            _("It has no method add(self, packet)."),
            _("Give it one, or use one of: {choices}.").format(choices=", ".join(JITTER_BUFFERS)),
        )


def check_seed(seed: Any) -> None:
    """Refuse a seed that is no whole number.

    Args:
        seed: What was given.

    Raises:
        BadValue: It is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise BadValue(
            _("seed={seed!r} is not a whole number.").format(seed=seed),
            next_step=_("Use for instance seed=1."),
        )
