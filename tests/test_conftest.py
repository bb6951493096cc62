"""On CI a skipped test is a failed test, except for the reasons on a short list."""

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


def run_tests(folder: Path, **environment: str) -> str:
    """Run the folder's tests with our conftest as a plugin and return what pytest printed."""
    words = ["-p", "tests.conftest", "-c", str(folder / "pytest.ini"), str(folder)]
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
