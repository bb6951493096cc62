"""``labkit test``: what ``make test`` runs, also where there is no make."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from labkit.cli.project import project_folder
from labkit.errors import MissingPart
from labkit.words import _

__all__ = ["calls_of_pytest", "missing_test_packages", "test"]

NEEDED = ("hypothesis", "mypy", "nbval", "playwright", "psutil", "pytest", "xdist")

SIDE_BY_SIDE = 2
"""Processes that share the tests: most of them wait for a call most of the time."""

NOTHING_FOUND = 5
"""What pytest says where no test was asked for."""


def test(
    context: typer.Context,
    quick: Annotated[
        bool,
        typer.Option("--quick", help=_("The foundation alone: no room, no chapter but the first.")),
    ] = False,  # noqa: PT028 - this is no test, it runs them
) -> None:
    """Run every test, the notebooks and the browser included; words for pytest are passed on."""
    folder = project_folder()
    missing = missing_test_packages()
    if missing:
        raise MissingPart(
            _("The tests cannot run: {names} not installed.").format(names=", ".join(missing)),
            next_step=_("Run: python -m pip install -r requirements-test.txt"),
        )
    if not (folder / "tests").is_dir():
        raise MissingPart(_("{folder} has no tests.").format(folder=folder))
    codes = [_run(words, folder) for words in calls_of_pytest(context.args, quick=quick)]
    raise typer.Exit(next((code for code in codes if code not in (0, NOTHING_FOUND)), codes[0]))


def calls_of_pytest(words: list[str], *, quick: bool) -> list[list[str]]:
    """Return the words for each call of pytest.

    Everything is two calls: side by side, then those tests that measure, with nothing beside them.
    Who asks for something of their own gets one call, as they asked for it.

    Args:
        words: What was asked for.
        quick: Whether the foundation is enough.
    """
    asked = ["--quick", *words] if quick else words
    if words:
        return [asked]
    shared = ["-n", str(SIDE_BY_SIDE), "-m", "not soak and not alone"]
    return [[*asked, *shared], [*asked, "-m", "alone and not soak"]]


def missing_test_packages() -> list[str]:
    """Return the packages that the tests need and this Python has not."""
    return [name for name in NEEDED if find_spec(name) is None]


def _run(words: list[str], folder: Path) -> int:
    command = [sys.executable, "-m", "pytest", *words]
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # pytest got it too and is closing what it opened
            process.wait()
            raise
