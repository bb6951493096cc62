"""What conda does with environment.yml: one pip call in a fresh environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.install.reading import ROOT, pip_section, versions
from tests.timing import SECOND

pytestmark = pytest.mark.install

LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".lab", ".*_cache", "__pycache__", "runs")


def pip(
    python: Path, *words: str, folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=seconds * SECOND
    )


def skip_without_index(folder: Path) -> None:
    """Skip where no package index answers: this test is about installing."""
    pin = next(iter(versions("requirements.txt")["flit-core"]))
    words = ["download", "--quiet", "--no-deps", "--no-cache-dir", "--retries=1", "--timeout=15"]
    done = pip(
        Path(sys.executable), *words, f"flit-core{pin}", "--dest=x", folder=folder, seconds=90
    )
    if done.returncode:
        pytest.skip(f"no package index can be reached: {done.stderr.strip()[-200:]}")


@pytest.fixture
def fresh_python(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    return tmp_path / "fresh" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_one_call_installs_what_the_environment_asks_of_pip(
    tmp_path: Path, fresh_python: Path
) -> None:
    skip_without_index(tmp_path)
    lab = tmp_path / "lab"
    shutil.copytree(ROOT, lab, ignore=LEFT_OUT)
    # Conda writes the list to a file beside environment.yml and hands that to pip.
    (lab / "condaenv.requirements.txt").write_text("\n".join(pip_section()), encoding="utf-8")
    done = pip(
        fresh_python,
        *["install", "--upgrade", "--requirement", "condaenv.requirements.txt"],
        folder=lab,
        seconds=420,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    code = "import labkit, numpy, av, jupyterlab; labkit.LabError; print(labkit.__file__)"
    imported = subprocess.run(
        [fresh_python, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert Path(imported.stdout.strip()).parent == lab / "labkit", imported.stderr

    told = subprocess.run(
        [fresh_python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True
    )
    installed = {canonicalize_name(one["name"]): one["version"] for one in json.loads(told.stdout)}
    pinned = versions("requirements.txt")
    other = {n: v for n, v in installed.items() if n in pinned and f"=={v}" not in pinned[n]}
    assert other == {}
    assert {"aiortc", "jupyterlab", "webrtc-lab"} <= set(installed)
