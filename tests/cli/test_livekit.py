"""``labkit livekit``: what it prints, that it serves, and that Ctrl-C ends all of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from labkit.cli import checks
from labkit.rooms import room_token
from labkit.rooms.address import ServerAddress
from labkit.rooms.settings import own_addresses
from labkit.rooms.tokens import claims_of
from tests.timing import SECOND

COMMAND = [sys.executable, "-c", "from labkit.cli import main; main()", "livekit"]


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], number: int) -> tuple[str, str]:
    """End it as a person does, and see that nothing of it is left."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2  # the keeper and the server
    process.send_signal(number)
    told = process.communicate(timeout=10 * SECOND)
    assert process.returncode == 0
    _gone, alive = psutil.wait_procs(children, timeout=2 * SECOND)
    assert alive == []
    return told


def test_it_serves_until_ctrl_c(livekit_binary: Path) -> None:
    with running("--json", "--identity", "alice", "--room", "r1", "--max-participants", "2") as lab:
        assert lab.stdout is not None
        told = json.loads(lab.stdout.readline())
        assert told["server_url"].startswith("ws://127.0.0.1:")
        assert told["opened"] == ""
        claims = {claim.claim: claim.value for claim in claims_of(told["participant_token"])}
        assert (claims["sub"], claims["video.room"]) == ("alice", "r1")
        assert claims["roomConfig.maxParticipants"] == "2"
        request = urllib.request.Request(
            told["endpoint"],
            data=json.dumps({"room_name": "r2"}).encode(),
            headers={
                "Authorization": f"Bearer {told['id_token']}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=5 * SECOND) as answer:
            assert json.load(answer)["room_name"] == "r2"
        out, err = ended(lab, signal.SIGINT)
        assert (out, err) == ("", "")


def test_in_words_and_ended_by_sigterm(livekit_binary: Path) -> None:
    with running() as lab:
        assert lab.stdout is not None
        lines = [lab.stdout.readline() for _line in range(9)]
        assert lines[1].strip().startswith("ws://127.0.0.1:")
        assert "Ctrl-C" in lines[8]
        ended(lab, signal.SIGTERM)


def test_on_a_network_it_says_what_is_open_and_shows_a_code(livekit_binary: Path) -> None:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than loopback")
    with running("--lan", addresses[0]) as lab:
        assert lab.stdout is not None
        text = "".join(lab.stdout.readline() for _line in range(30))
        assert "Open to every machine" in text
        assert "█" in text
        ended(lab, signal.SIGINT)


def test_a_server_that_dies_is_said(livekit_binary: Path) -> None:
    with running("--json") as lab:
        assert lab.stdout is not None
        lab.stdout.readline()
        for child in psutil.Process(lab.pid).children(recursive=True):
            if "livekit-server" in child.name():
                child.kill()
        _out, err = lab.communicate(timeout=10 * SECOND)
        assert lab.returncode == 1
        assert "The LiveKit server ended." in err


def test_build_says_where_the_program_is(livekit_binary: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--build", "--json"], capture_output=True, text=True, timeout=30 * SECOND
    )
    assert json.loads(done.stdout)["program"] == str(livekit_binary)


def test_an_address_of_nobody_is_one_line() -> None:
    done = subprocess.run(
        [*COMMAND, "--lan", "0.0.0.0"], capture_output=True, text=True, timeout=30 * SECOND
    )
    assert done.returncode == 1
    assert done.stderr.startswith("labkit: The address 0.0.0.0 is refused.")
    assert len(done.stderr.splitlines()) == 1


def test_the_code_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from labkit.cli.livekit import _print_qr

    address = ServerAddress("ws://192.168.100.100:65535", "labkey", "s" * 40)
    token = room_token(address, "student", "a-room-with-a-name", max_participants=2)
    _print_qr(address.url, token)
    lines = capsys.readouterr().out.splitlines()
    assert 40 < max(map(len, lines)) <= 120


def test_doctor_knows_the_server(
    livekit_binary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = checks.livekit_server()
    assert (found.name, found.state) == ("livekit-server", "ok")
    assert str(livekit_binary) in found.detail
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    missing = checks.livekit_server()
    assert missing.state == "optional"
    assert "labkit livekit --build" in missing.remedy
