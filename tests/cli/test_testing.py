from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli import testing
from labkit.errors import MissingPart
from tests.timing import SECOND


def run_tests(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`labkit test`, as if the lab's folder were another one."""
    code = (
        "import pathlib, sys; from labkit import cli; from labkit.cli import testing;"
        f"testing.project_folder = lambda: pathlib.Path({str(folder)!r}); cli.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "test", *words]
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60 * SECOND, env=environment
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    text = "def test_good(): pass\n\ndef test_bad(): raise ValueError\n"
    (tmp_path / "tests" / "test_two.py").write_text(text)
    return tmp_path


def test_words_for_pytest_are_passed_on(folder: Path) -> None:
    done = run_tests(folder, "-q", "-k", "good", "--maxfail=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 deselected" in done.stdout


def test_all_are_run_side_by_side_and_then_those_that_measure(folder: Path) -> None:
    text = "import pytest\n@pytest.mark.alone\ndef test_alone(): pass\n"
    (folder / "tests" / "test_measures.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone: a measurement\n")
    done = run_tests(folder)
    assert done.returncode == 1
    beside, alone = done.stdout.split("test session starts")[1:]
    assert "1 failed, 1 passed" in beside and "2 workers" in beside
    assert "1 passed, 2 deselected" in alone and "workers" not in alone


def test_no_test_that_measures_is_no_failure(folder: Path) -> None:
    (folder / "tests" / "test_two.py").write_text("def test_good(): pass\n")
    done = run_tests(folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exit_code_is_that_of_pytest(folder: Path) -> None:
    done = run_tests(folder, "tests")
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize("words", [[], ["-k", "link"]])
def test_quick_goes_with_whatever_else_is_asked(words: list[str]) -> None:
    for call in testing.calls_of_pytest(words, quick=True):
        assert call[: len(words) + 1] == ["--quick", *words]
    for call in testing.calls_of_pytest(words, quick=False):
        assert "--quick" not in call


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert testing.missing_test_packages() == []
    monkeypatch.setattr(testing, "NEEDED", ("pytest", "no_such_package"))
    assert testing.missing_test_packages() == ["no_such_package"]


def test_missing_packages_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "missing_test_packages", lambda: ["hypothesis"])
    with pytest.raises(MissingPart, match=r"hypothesis.*requirements-test\.txt"):
        testing.test(None)  # type: ignore[arg-type]
