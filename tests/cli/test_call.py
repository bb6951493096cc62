"""``labkit call``: what it prints, and what it refuses in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import psutil
import pytest

import labkit as lab
from labkit import cli
from labkit.experiments.kept import kept
from tests.experiments.helpers import alive, eventually, nothing_left
from tests.timing import SECOND

SHORT = ("--seconds", "0.5", "--size", "320x240")


def call(*words: str) -> int:
    """Run ``labkit call`` in this process; return its exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(["call", *SHORT, *words])
    code = end.value.code
    assert isinstance(code, int)
    return code


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a call that must be refused with one line, and return that line."""
    with nothing_left():
        assert call("--json", *words) == 1
    told = capfd.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("labkit: ")
    return line


def test_json_is_one_object_with_what_was_asked_and_achieved(
    capfd: pytest.CaptureFixture[str],
) -> None:
    link = ("--delay-ms", "20", "--jitter-ms", "1", "--loss", "0.02", "--loss-model", "exact")
    rest = ("--rate-kbps", "2000", "--queue-bytes", "20000", "--seed", "5", "--codec", "h264")
    with nothing_left():
        assert call("--json", "--two-way", "--jitter-buffer", "stock", *link, *rest) == 0
    told = capfd.readouterr()
    assert told.err == ""
    figures = json.loads(told.out)
    assert set(figures["latency_ms"]) == {"n", "mean", "p5", "p50", "p95", "p99"}
    parts = ["encode", "send", "network", "buffer", "decode", "other"]
    assert list(figures["budget_ms"]) == parts
    assert set(figures["frames"]) == {"sent", "shown", "unreadable", "lost"}
    assert set(figures["link_error_ms"]) >= {"p50", "p99"}
    assert (figures["seed"], figures["loss_asked"]) == (5, 0.02)
    for name in ("bitrate_kbps", "loss_achieved", "queue_drops", "setup_ms"):
        assert figures[name] is not None, name
    assert {"python", "labkit", "aiortc", "av"} <= set(figures["versions"])
    assert figures["budget_ms"]["network"] > 19
    assert figures["back"]["frames"]["shown"] > 0


def test_without_json_a_table_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    told = capfd.readouterr().out
    assert "alice → bob" in told
    assert "latency p50" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--source", "missing.mp4"), "no file missing.mp4"),
        (("--source", "text.txt"), "text.txt is no video"),
        (("--source", "folder"), "is a folder"),
        (("--loss", "1.5"), "from 0 to 1"),
        (("--delay-ms", "-1"), "from 0 to 10,000 ms"),
        (("--seconds", "0"), "0.1 to 86,400 s"),
        (("--size", "0x0"), "from 160 to 3840"),
        (("--size", "641x480"), "even number"),
        (("--size", "nonsense"), "for instance 640x480"),
        (("--fps", "0"), "from 1 to 60"),
        (("--rate-kbps", "-5"), "from 1 to 10,000,000"),
        (("--out", "missing/a.run"), "no folder for missing/a.run"),
        (("--out", "text.txt"), "text.txt exists already"),
        (("--out", "folder", "--force"), "folder is a folder. Choose a name"),
        (("--out", ""), "is no name of a file"),
        (("--out", "x" * 300), "could not be written to"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert told in refused(capfd, *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "text.txt"]
    assert (tmp_path / "text.txt").read_text() == "hello"


@pytest.mark.parametrize("words", [("--codec", "av1"), ("--loss-model", "luck"), ("more",)])
def test_misuse_is_exit_2(words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == 2
    told = capfd.readouterr()
    assert told.out == "" and words[-1] in told.err
    assert "Traceback" not in told.err


def test_force_replaces_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.run"
    path.write_text("an old one")
    assert call("--json", "--out", str(path), "--force") == 0
    assert lab.load_run(path).summary() == json.loads(capfd.readouterr().out)


@contextmanager
def in_every_child(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let ``code`` run first in each helper process (``words`` are its command line)."""
    (folder / "sitecustomize.py").write_text(f"import sys\nwords = sys.orig_argv\n{code}\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield


def test_a_missing_encoder_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = (
        "if 'labkit.experiments.worker' in words:\n"
        "    import labkit.peers.codecs as codecs\n"
        "    codecs.VIDEO_CODECS['h264'] = 'libx264-of-nobody'"
    )
    with in_every_child(code, tmp_path, monkeypatch):
        out = tmp_path / "a.run"
        line = refused(capfd, "--codec", "h264", "--out", str(out))
    assert "The encoder for h264 is missing." in line and "libx264-of-nobody" in line
    assert not out.exists()


def test_a_broken_installation_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "if 'labkit.experiments.worker' in words: sys.modules['aiortc'] = None"
    with in_every_child(code, tmp_path, monkeypatch):
        assert "aiortc" in refused(capfd)


@pytest.mark.parametrize("module", ["worker", "recorder", "relay"])
def test_a_helper_that_does_not_come_up_is_one_line(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = f"import os\nif words[-1].endswith('.{module}'): os._exit(5)"
    with in_every_child(code, tmp_path, monkeypatch):
        assert "ended" in refused(capfd, "--out", str(tmp_path / "a.run"))
    assert not (tmp_path / "a.run").exists()


def recorded_until_full(path: Path, before: str = "") -> lab.Run:
    """Record more than there is room for; return what was kept."""
    command = [sys.executable, "-m", "labkit", "call", "--json", "--seconds", "30", "--out"]
    shell = f'{before} exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", shell, "sh", *command, str(path)], stdout=-1, stderr=-1, text=True
    ) as process:
        assert eventually(path.exists, 20 * SECOND)
        family = psutil.Process(process.pid).children(recursive=True)
        out, err = process.communicate(timeout=30 * SECOND)
    assert (process.returncode, out) == (1, "")
    (line,) = err.splitlines()
    assert "disk is full" in line and str(path) in line
    assert eventually(lambda: not alive(family), 2 * SECOND)
    run = lab.load_run(path)
    assert not run.complete
    return run


def test_a_call_that_broke_without_a_file_says_how_one_is_kept(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_ignored: object, **_options: object) -> lab.Run:
        kept.data = b"what there was"
        raise lab.CallError("It broke.", "So it is.", "In a notebook: kept_run.")

    monkeypatch.setattr(kept, "data", None)
    monkeypatch.setattr(import_module("labkit.cli.call"), "_record", broken)
    told = refused(capfd)
    assert told.startswith("labkit: It broke. So it is. With --out FILE")


def mount_small_disk(folder: Path) -> bool:
    """Mount 250 kB on a folder, where this user may."""
    command = ["mount", "-t", "tmpfs", "-o", "size=250k", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
@pytest.mark.parametrize("disk", ["small", "limited"])
def test_a_full_disk_keeps_what_was_recorded_before(disk: str, tmp_path: Path) -> None:
    mounted = disk == "small" and mount_small_disk(tmp_path)
    try:
        # Where it cannot be mounted, no file may grow beyond 400 blocks of 512 bytes.
        run = recorded_until_full(tmp_path / "a.run", "" if mounted else "ulimit -f 400;")
    finally:
        if mounted:
            subprocess.run(["umount", str(tmp_path)], check=True)
    assert (run.frames["fate"] == "shown").sum() > 10
    assert run.meta["recorded_to_s"] - run.meta["recorded_from_s"] < 20
