"""The Makefile with a Python and a pip that only write down what they are asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.install.reading import ROOT
from tests.timing import SECOND

pytestmark = pytest.mark.skipif(
    os.name != "posix" or not shutil.which("make"), reason="make is not installed"
)

FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
test "$1" = -c && echo "$ANSWER"
test "$2" = venv && mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/labkit"
exit 0
"""


class House:
    """A folder with the Makefile, where nothing but the fake programs can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        for name in ("Makefile", "requirements.txt", "requirements-test.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        (folder / "bin").mkdir()
        for program in ("sh", "make", "test", "echo", "touch", "rm", "mkdir", "cp", "basename"):
            found = shutil.which(program)
            if found:
                (folder / "bin" / program).symlink_to(found)

    def add_python(self, name: str = "python3") -> None:
        path = self.folder / "bin" / name
        path.write_text(FAKE)
        path.chmod(0o755)

    def make(self, *words: str, python: str = "python3") -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        environment = {"PATH": str(self.folder / "bin"), "LOG": str(self.log), "ANSWER": python}
        return subprocess.run(
            ["make", *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=20 * SECOND,
        )

    def asked(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if " -c " not in line]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_lab_installs_with_hashes_and_opens(house: House) -> None:
    house.add_python()
    done = house.make("lab", "ARGS=--no-browser")
    assert done.returncode == 0, done.stderr
    venv, requirements, ours, opened = house.asked()
    assert venv == "python3 -m venv .venv"
    assert "--require-hashes -r requirements.txt" in requirements
    assert "--no-deps --no-build-isolation --editable ." in ours
    assert opened == "labkit lab --no-browser"


def test_the_second_run_installs_nothing(house: House) -> None:
    house.add_python()
    assert house.make("test").returncode == 0
    assert len(house.asked()) == 5  # venv, three pip calls, labkit test
    assert house.make("test", "ARGS=-k link").returncode == 0
    assert house.asked() == ["labkit test -k link"]


def test_changed_requirements_are_installed_again(house: House) -> None:
    house.add_python()
    house.make("install")
    later = (house.folder / ".venv" / "lab.stamp").stat().st_mtime + 5
    os.utime(house.folder / "requirements.txt", (later, later))
    house.make("install")
    assert len(house.asked()) == 2
    assert "requirements.txt" in house.asked()[0]


def test_no_python_is_one_clear_line(house: House) -> None:
    done = house.make("lab")
    assert done.returncode != 0
    assert "WebRTC Lab needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (house.folder / ".venv").exists()


def test_an_old_python_is_passed_over(house: House) -> None:
    house.add_python()
    done = house.make("lab", python="")  # it does not say that its version fits
    assert "WebRTC Lab needs Python" in done.stderr
