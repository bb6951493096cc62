"""No file of the repository may name a registry, an index or a place on somebody's machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.install.reading import ROOT

# Written as patterns that do not match themselves.
REGISTRIES = [
    r"pypi[.]org",
    r"pythonhosted[.]org",
    r"registry[.]npmjs[.]org",
    r"crates[.]io",
    r"(proxy|sum)[.]golang[.]org",
    r"repo1?[.]maven[.]",
    r"repo[.]maven[.]apache[.]org",
    r"(conda|repo)[.]anaconda[.](org|com)",
    r"deb[.]debian[.]org",
]
INDEX_OPTIONS = [r"--(extra-)?index[-]url", r"--find[-]links", r"--trusted[-]host"]
MACHINE_PATHS = [r"(?<![\w.~-])/(work[/]|root[/])", r"/home/\w+/"]
FORBIDDEN = re.compile("|".join(REGISTRIES + INDEX_OPTIONS + MACHINE_PATHS).encode())


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if done.returncode:
        pytest.skip("this copy of the lab is no git repository")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def this_machines_registries() -> list[bytes]:
    """The hosts that pip and uv are set to ask here, whatever they are."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    text += " ".join(value for name, value in os.environ.items() if "INDEX" in name)
    hosts = {urlsplit(found).hostname or "" for found in re.findall(r"https?://[^\s'\"]+", text)}
    return [host.encode() for host in hosts if host]


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    mine = this_machines_registries()
    found = []
    for path in tracked_files():
        if not path.is_file():  # deleted and not committed yet
            continue
        data = path.read_bytes()
        found += [f"{path.relative_to(ROOT)}: {hit.group()!r}" for hit in FORBIDDEN.finditer(data)]
        found += [f"{path.relative_to(ROOT)}: {host!r}" for host in mine if host in data]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "see https://pypi@org/simple",
        "--index@url somewhere",
        'open("@work@main@x.py")',
        "@root@.cache",
    ],
)
def test_the_search_finds(text: str) -> None:
    as_it_would_be = [text.replace("@", sign) for sign in "./-"]
    assert any(FORBIDDEN.search(one.encode()) for one in as_it_would_be)


@pytest.mark.parametrize("text", ["https://example.com/", "home/work/x", "network/x", "./root/x"])
def test_the_search_passes_over(text: str) -> None:
    assert not FORBIDDEN.search(text.encode())


def test_no_file_is_larger_than_it_should_be() -> None:
    large = [path for path in tracked_files() if path.is_file() and path.stat().st_size > 5_000_000]
    assert large == []


def test_no_file_of_python_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix == ".py" and path.is_file()
        if path.parts[len(ROOT.parts)] in ("labkit", "tests", "tools")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}
