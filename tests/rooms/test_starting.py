"""What can go wrong while the server starts, each in words, with programs that stand in for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.errors import BadValue, CallError, LabError, MissingPart, WaitTimeout
from labkit.rooms import livekit, running, settings
from labkit.rooms.build import built_server, find_server
from labkit.rooms.building import progress_line
from labkit.rooms.running import LivekitServer
from tests.rooms.test_build import GO, program
from tests.timing import SECOND

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Windows programs for this")


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No server, no Go; returns the folder that PATH names."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def own(**options: Any) -> LivekitServer:
    server = livekit(own=True, **options)
    assert isinstance(server, LivekitServer)
    return server


def start(server: LivekitServer) -> None:
    async def work() -> None:
        async with server:
            pass

    asyncio.run(asyncio.wait_for(work(), 20 * SECOND))


def test_a_port_that_somebody_took_first_is_given_up_for_another(
    monkeypatch: pytest.MonkeyPatch, livekit_server: LivekitServer
) -> None:
    taken, real, asked = livekit_server.config.port, settings.free_port, 0

    def unlucky(address: str, transport: str = "tcp") -> int:
        nonlocal asked
        asked += 1
        return taken if asked == 1 else real(address, transport)  # type: ignore[arg-type]

    server = own()
    monkeypatch.setattr(settings, "free_port", unlucky)
    start(server)
    assert server.config.port != taken
    assert asked > 1


def test_a_port_that_is_taken_at_the_last_moment(empty: Path) -> None:
    says = "listen udp 127.0.0.1:4711: bind: address already in use"
    program(built_server(), f"print({says!r}, flush=True)\ntime.sleep(0.05)\nsys.exit(1)")
    with pytest.raises(BadValue, match="Port 4711 is taken"):
        start(own())


def test_without_a_program(empty: Path) -> None:
    with pytest.raises(MissingPart, match=r"no LiveKit server.*labkit livekit --build"):
        start(own(build=False))


def test_a_broken_program_is_said(empty: Path) -> None:
    program(built_server(), "").write_text("no program")
    with pytest.raises(LabError, match="cannot be started"):
        start(own())


def test_a_server_that_ends_at_once_says_why(empty: Path) -> None:
    program(built_server(), "print('no such setting: secrets', flush=True)\nsys.exit(1)")
    with pytest.raises(CallError, match=r"ended at its start.*no such setting"):
        start(own())


def test_a_server_that_never_answers(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "READY_WITHIN_S", 0.3 * SECOND)
    program(built_server(), "time.sleep(60)")
    with pytest.raises(WaitTimeout, match="did not answer within"):
        start(own())


def test_a_server_that_does_not_want_to_end_is_ended(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "READY_WITHIN_S", 0.3 * SECOND)
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    program(built_server(), f"{deaf}print(os.getpid(), flush=True)\ntime.sleep(60)")
    server = own()
    with pytest.raises(WaitTimeout):
        start(server)
    assert not psutil.pid_exists(int(server.log()[0]))


def test_no_variable_of_the_user_bends_the_server(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_RTC_TCP_PORT", "7881")
    monkeypatch.setenv("UDP_PORT", "7882")
    program(built_server(), "print(*sorted(os.environ), flush=True)\nsys.exit(1)")
    server = own()
    with pytest.raises(CallError):
        start(server)
    names = server.log("PATH")[0].split()
    assert "LIVEKIT_CONFIG" in names
    assert not {"LIVEKIT_RTC_TCP_PORT", "UDP_PORT"} & set(names)


def test_a_missing_server_is_built_on_the_way(
    empty: Path, livekit_binary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = f"import shutil\nshutil.copy({str(livekit_binary)!r}, out)\n"
    program(
        empty / "go",
        GO[: GO.index("    with open")] + "".join(f"    {line}\n" for line in copy.splitlines()),
    )
    start(own())
    assert find_server() == built_server()
    assert "Compiling LiveKit" in capsys.readouterr().out


def test_who_stops_waiting_stops_the_build(empty: Path) -> None:
    program(empty / "go", GO.replace('print("two", flush=True)', "time.sleep(60)"))
    compiling = asyncio.Event()

    async def work() -> None:
        loop = asyncio.get_running_loop()

        def tell(words: str, share: float) -> None:
            if "Compiling" in words:
                loop.call_soon_threadsafe(compiling.set)

        task = asyncio.create_task(own(progress=tell).start())
        await compiling.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(work(), 20 * SECOND))
    assert find_server() is None


def test_the_line_is_renewed_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress_line()
    show("Compiling", 0.5)
    show("Compiling", 0.501)
    show("Built", 1.0)
    told = capsys.readouterr().out
    assert told.count("\r") == 2
    assert told.endswith("\n")
    assert "50%" in told
