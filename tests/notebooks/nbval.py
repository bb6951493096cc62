"""Run notebooks under nbval in a process of its own, away from the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.timing import FACTOR

CELL_S = 60 * FACTOR
"""Seconds that one cell may take, also where the machine is shared."""


def run_nbval(*notebooks: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run every cell of some notebooks; ``failure`` judges what it returns.

    Args:
        notebooks: Files whose folders are the kernels' working directories.
        home: A folder for what Jupyter and IPython write.
    """
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={CELL_S:g}", "-p", "no:cacheprovider", "-q"]
    # A cell that may raise also passes when it was interrupted: list what took too long.
    command += ["--durations=0", f"--durations-min={CELL_S:g}"]
    # Without a rootdir of its own pytest would look for settings in the folders above.
    command += [f"--rootdir={home}", *map(str, notebooks)]
    return subprocess.run(
        command,
        cwd=home,
        env=_environment(home),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=15 * CELL_S,
        check=False,
    )


def failure(result: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a run said if a cell raised or hung; empty if none did."""
    hung = re.search(r"^\d+\.\d+s call", result.stdout, re.MULTILINE)
    return tail(result) if result.returncode or hung else ""


def copy(notebook: Path, notebooks: Path, target: Path) -> Path:
    """Copy a notebook with its data to where its cells may write."""
    place = target / notebook.relative_to(notebooks)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(notebook, place)
    if (notebooks / "data").is_dir():
        shutil.copytree(notebooks / "data", target / "data", dirs_exist_ok=True)
    return place


def tail(result: subprocess.CompletedProcess[str], lines: int = 60) -> str:
    """Return the end of what a run said, for the message of a failed test."""
    return "\n".join((result.stdout + result.stderr).splitlines()[-lines:])


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    kept.pop("LAB_LANG", None)
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    return kept | {name: str(home / folder) for name, folder in folders.items()}
