"""``labkit test``: what ``make test`` runs, also where there is no make."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

from labkit.cli.project import project_folder
from labkit.errors import MissingPart
from labkit.words import _

__all__ = ["missing_test_packages", "test"]

NEEDED = ("hypothesis", "mypy", "nbval", "playwright", "psutil", "pytest")


def test(context: typer.Context) -> None:
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
    command = [sys.executable, "-m", "pytest", *context.args]
    raise typer.Exit(_run(command, folder))


def missing_test_packages() -> list[str]:
    """Return the packages that the tests need and this Python has not."""
    return [name for name in NEEDED if find_spec(name) is None]


def _run(command: list[str], folder: object) -> int:
    with subprocess.Popen(command, cwd=str(folder)) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # pytest got it too and is closing what it opened
            process.wait()
            raise
