"""Where a Chromium is that the tests and the bench can drive."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["find_chromium"]

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_PROGRAM_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_MAC_APPS = (
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_WINDOWS_APPS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")


def find_chromium() -> str | None:
    """Return the path of Chromium, Chrome or Edge, or None where there is none.

    ``CHROME_PATH`` is looked at first, then PATH, then where macOS and Windows keep programs.
    """
    named = os.environ.get("CHROME_PATH")
    if named:
        return named if Path(named).is_file() else None
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    return next((str(path) for path in _usual_places() if path.is_file()), None)


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        return [Path("/Applications", app) for app in _MAC_APPS]
    folders = [Path(os.environ[name]) for name in _PROGRAM_FOLDERS if os.environ.get(name)]
    return [folder / app for folder in folders for app in _WINDOWS_APPS]
