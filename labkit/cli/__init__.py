"""The command line: ``labkit doctor | lab | test | call | show | export | bench |
codecs | livekit | exam``.

Each command is a plain function in a file of its own, loaded when it is asked for: the modules
import what is heavy inside the function, so that ``labkit --help`` is quick.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

import labkit
from labkit.errors import LabError
from labkit.words import _

__all__ = ["COMMANDS", "build_app", "main"]

COMMANDS = {
    "doctor": "labkit.cli.doctor:doctor",
    "lab": "labkit.cli.lab:lab",
    "test": "labkit.cli.testing:test",
    "call": "labkit.cli.call:call",
    "show": "labkit.cli.show:show",
    "export": "labkit.cli.export:export",
    "bench": "labkit.cli.bench:bench",
    "codecs": "labkit.cli.codecs:codecs",
    "livekit": "labkit.cli.livekit:livekit",
    "exam": "labkit.cli.exam:exam",
}
"""Where the function of each command lives."""

FORWARDING = {"test"}
"""Commands that hand words they do not know to another program."""


def main(arguments: list[str] | None = None) -> None:
    """Run ``labkit``; an error that a user can cause is one line on stderr and exit code 1."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        build_app(words)(words, prog_name="labkit")
    except LabError as error:
        _stop(str(error))
    except KeyboardInterrupt:  # before the command had begun
        print(_("labkit: stopped."), file=sys.stderr)
        sys.exit(130)
    except SystemExit as end:
        if end.code == 130:
            print(_("labkit: stopped."), file=sys.stderr)
        raise
    except Exception as error:
        if os.environ.get("LAB_DEBUG"):
            raise
        told = _("Something went wrong that should not: {kind}: {text}.").format(
            kind=type(error).__name__, text=error
        )
        _stop(told + " " + _("Set LAB_DEBUG=1 and run it again to see where."))


def build_app(words: list[str] | None = None) -> typer.Typer:
    """Return the app with the command that ``words`` begin with, or else with all of them.

    Args:
        words: What stands behind ``labkit`` on the command line.
    """
    app = typer.Typer(
        name="labkit",
        help=_("WebRTC Lab: see a call, bend its link, measure it."),
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    asked = words[0] if words else None
    for name in [asked] if asked in COMMANDS else list(COMMANDS):
        _register(app, name)
    return app


def _register(app: typer.Typer, name: str) -> None:
    module, function = COMMANDS[name].split(":")
    command: Callable[..., Any] = getattr(importlib.import_module(module), function)
    extra = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(name, context_settings=extra if name in FORWARDING else None)(command)


def _options(
    version: Annotated[
        bool, typer.Option("--version", help=_("Print the version and stop."))
    ] = False,
) -> None:
    if version:
        print(f"labkit {labkit.__version__}")
        raise typer.Exit


def _stop(message: str) -> None:
    one_line = " ".join(message.split())
    print(f"labkit: {one_line}", file=sys.stderr)
    sys.exit(1)
