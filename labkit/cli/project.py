"""Where the lab's own folder is: the one with the notebooks and the tests."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import MissingPart
from labkit.words import _

__all__ = ["START", "find_project", "project_folder"]

START = "notebooks/00-start.ipynb"
"""The notebook that opens first, relative to the project's folder."""


def find_project() -> Path | None:
    """Return the lab's folder: the one that labkit is in, else this folder or one above it."""
    here = Path.cwd()
    for folder in [Path(__file__).parents[2], here, *here.parents]:
        if (folder / "notebooks").is_dir() and (folder / "requirements.txt").is_file():
            return folder
    return None


def project_folder() -> Path:
    """Return the lab's folder.

    Raises:
        MissingPart: labkit is installed without it, and we are not inside one either.
    """
    folder = find_project()
    if folder is None:
        raise MissingPart(
            _("The lab's folder with its notebooks was not found."),
            _("labkit is installed without it, and {folder} is not inside it.").format(
                folder=Path.cwd()
            ),
            _("Go to the folder that you cloned and run the command again."),
        )
    return folder
