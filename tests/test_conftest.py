"""What conftest.py decides: which tests are quick, and that none is skipped on CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.timing import SECOND

ROOT = Path(__file__).parents[1]
FILES = {
    "test_marked.py": """
        import pytest
        @pytest.mark.skip(reason="no tshark")
        def test_marked(): pass
        @pytest.mark.skip(reason="needs Windows, not this")
        def test_elsewhere(): pass
        def test_while_it_runs(): pytest.skip("no node")
        @pytest.mark.xfail
        def test_known(): assert False
        def test_good(): pass
    """,
    "test_whole_file.py": """
        import pytest
        pytest.skip("no chromium", allow_module_level=True)
    """,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -rfE --continue-on-collection-errors")
    for name, text in FILES.items():
        lines = [line.removeprefix(" " * 8) for line in text.splitlines()]
        (tmp_path / name).write_text("\n".join(lines))
    return tmp_path


def run_tests(folder: Path, *more: str, **environment: str) -> str:
    """Run the folder's tests with our conftest as a plugin and return what pytest printed."""
    words = ["-p", "tests.conftest", "-c", str(folder / "pytest.ini"), str(folder), *more]
    kept = {name: value for name, value in os.environ.items() if name != "LAB_CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60 * SECOND,
    )
    return done.stdout


def test_elsewhere_a_skip_is_a_skip(folder: Path) -> None:
    assert "1 passed, 4 skipped, 1 xfailed" in run_tests(folder)


def test_on_ci_a_skip_is_a_failure(folder: Path) -> None:
    told = run_tests(folder, LAB_CI="1")
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in told
    for reason in ("no tshark", "no node", "no chromium"):
        assert f"Its reason was: {reason}" in told
    assert "needs Windows" not in told


SETS = """
import pytest
def test_the_foundation(): pass
@pytest.mark.later
def test_a_later_chapter(): pass
@pytest.mark.usefixtures("livekit_server")
def test_a_room(): pass
"""


def test_quick_is_what_is_neither_marked_nor_needs_a_server(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = later: ...\n")
    (tmp_path / "test_sets.py").write_text(SETS)
    assert "1 passed, 2 deselected" in run_tests(tmp_path, "--quick")
    assert "3 tests collected" in run_tests(tmp_path, "--collect-only", "-q")


def test_files_stay_whole_and_browsers_are_not_side_by_side() -> None:
    from tests.sharing import Sharing

    def together(*places: str) -> bool:
        return len({Sharing._split_scope(None, place) for place in places}) == 1  # type: ignore[arg-type]

    assert together("tests/net/test_link.py::test_a", "tests/net/test_link.py::test_b[1]")
    assert not together("tests/net/test_link.py::test_a", "tests/net/test_loss.py::test_a")
    assert together("tests/browser/test_panel.py::test_a", "tests/exam/test_app.py::test_b")
    chapters = "tests/notebooks/test_notebooks.py::test_a_chapter_runs_from_top_to_bottom"
    assert not together(f"{chapters}[00-start]", f"{chapters}[06-latency]")
