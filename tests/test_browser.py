from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.browser import find_chromium


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CHROME_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_none_where_there_is_none() -> None:
    assert find_chromium() is None


def test_chrome_path_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_program(tmp_path / "bin" / "chromium")
    mine = make_program(tmp_path / "mine" / "chrome")
    monkeypatch.setenv("CHROME_PATH", str(mine))
    assert find_chromium() == str(mine)


def test_a_chrome_path_that_leads_nowhere_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_program(tmp_path / "bin" / "chromium")
    monkeypatch.setenv("CHROME_PATH", str(tmp_path / "nowhere"))
    assert find_chromium() is None


@pytest.mark.skipif(os.name != "posix", reason="needs a machine that is not Windows")
def test_path_is_searched(tmp_path: Path) -> None:
    found = make_program(tmp_path / "bin" / "google-chrome")
    assert find_chromium() == str(found)


def test_where_windows_keeps_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = make_program(tmp_path / "Google" / "Chrome" / "Application" / "chrome.exe")
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    assert find_chromium() == str(found)
