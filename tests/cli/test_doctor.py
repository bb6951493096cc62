from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from labkit.cli import checks, doctor
from labkit.cli.checks import Check, State


def with_checks(monkeypatch: pytest.MonkeyPatch, *states: State) -> None:
    found = [Check(f"part{k}", state, "as it is", "do this") for k, state in enumerate(states)]

    def fake() -> Iterator[Check]:
        yield from found

    monkeypatch.setattr(doctor, "all_checks", fake)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("ok",), 0),
        (("ok", "optional"), 0),
        (("ok", "missing"), 1),
        (("failed", "ok"), 1),
    ],
)
def test_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    states: tuple[State, ...],
    code: int,
) -> None:
    with_checks(monkeypatch, *states)
    for as_json in (True, False):
        with pytest.raises(typer.Exit) as end:
            doctor.doctor(as_json=as_json)
        assert end.value.exit_code == code
        told = capsys.readouterr().out
        if as_json:
            report = json.loads(told)
            assert report["ok"] is (code == 0)
            assert [check["state"] for check in report["checks"]] == list(states)
        else:
            assert all(state in told for state in states)
            assert "do this" in told


def test_this_machine() -> None:
    found = {check.name: check for check in checks.all_checks()}
    assert len(found) == len(checks._LOOKS)
    for name in ("python", "vp8", "h264", "opus", "udp_loopback", "ports", "packages"):
        assert found[name].state == "ok", found[name]
    for check in found.values():
        assert check.detail
        assert check.state in ("ok", "missing", "optional", "failed")
        assert bool(check.remedy) == (check.state != "ok"), check


def test_names_in_json_are_the_names_of_the_looks() -> None:
    assert [check.name for check in checks.all_checks()] == list(checks._LOOKS)


def test_a_look_that_breaks_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Check:
        raise RuntimeError("no codec here")

    monkeypatch.setitem(checks._LOOKS, "vp8", broken)
    found = {check.name: check for check in checks.all_checks()}
    assert found["vp8"].state == "failed"
    assert "no codec here" in found["vp8"].detail
    assert found["opus"].state == "ok"


def test_an_optional_part_that_breaks_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def hanging() -> Check:
        raise TimeoutError("tshark --version took 20 s")

    (tmp_path / "node").write_text("#!/bin/sh\necho no such version >&2\nexit 1\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(checks._LOOKS, "tshark", hanging)
    found = {check.name: check for check in checks.all_checks()}
    assert found["tshark"].state == found["node"].state == "optional"
    assert "took 20 s" in found["tshark"].detail
    assert "code 1: no such version" in found["node"].detail


def folder_with_pins(folder: Path, text: str) -> Path:
    (folder / "notebooks").mkdir()
    (folder / "requirements.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("pins", "state", "word"),
    [
        ("numpy==0.0.1 \\\n    --hash=sha256:00\n", "failed", "numpy"),
        ("no-such-package==1.0\n", "missing", "no-such-package"),
        ("six==0.0.1\n", "ok", "six"),
        ("no-such-package==1.0 ; python_version < '3'\n# a comment\n", "ok", "0 as pinned"),
    ],
)
def test_packages_against_the_pins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pins: str, state: State, word: str
) -> None:
    folder = folder_with_pins(tmp_path, pins)
    monkeypatch.setattr(checks, "find_project", lambda: folder)
    check = checks.packages()
    assert check.state == state
    assert word in check.detail


def test_packages_without_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_project", lambda: None)
    assert checks.packages().state == "ok"
    assert checks.notebooks().state == "missing"


def test_optional_parts_say_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CHROME_PATH", "/nowhere/chromium")
    found = {check.name: check for check in checks.all_checks()}
    for name in ("tshark", "node", "espeak-ng", "turnserver", "go", "chromium"):
        assert found[name].state == "optional"
        assert re.match("Only (for|to) ", found[name].remedy)


def test_ports_name_the_one_that_will_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("labkit.cli.lab.FIRST_PORT", taken.getsockname()[1])
        monkeypatch.setattr(checks, "FIRST_PORT", taken.getsockname()[1])
        assert f"{taken.getsockname()[1]} is taken" in checks.ports().detail
