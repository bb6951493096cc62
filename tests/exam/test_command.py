"""``labkit exam`` on the command line, without a browser."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from labkit.rooms.settings import own_addresses
from tests.exam.taking import COMMAND, exam
from tests.timing import SECOND

pytestmark = pytest.mark.usefixtures("livekit_binary")

EXAMPLE = Path(__file__).parents[2] / "examples" / "flutter_two_party"


async def look_in(invitation: dict[str, str]) -> bytes:
    """Join as the least that is a client, and go again without a word; return the first message."""
    async with aiohttp.ClientSession() as session:
        body = {"room_name": invitation["room"]}
        headers = {"Authorization": f"Bearer {invitation['id_token']}"}
        async with session.post(invitation["endpoint"], json=body, headers=headers) as answer:
            assert answer.status == 200
            told: dict[str, Any] = await answer.json()
        url = f"{told['server_url']}/rtc?protocol=9&sdk=flutter&version=0&access_token="
        async with session.ws_connect(url + told["participant_token"]) as socket:
            message = await socket.receive(10 * SECOND)
    assert message.type is aiohttp.WSMsgType.BINARY
    return bytes(message.data)


def test_ctrl_c_ends_the_exam_and_not_its_report(tmp_path: Path) -> None:
    with exam(tmp_path, seconds=60) as running:
        asyncio.run(look_in(running.invitation))
        time.sleep(0.5 * SECOND)
        running.process.send_signal(signal.SIGINT)
        results = running.result()
    assert results.pop("joined") == "passed" and results.pop("leave") == "failed"
    assert "passed" not in results.values()
    assert "flutter 0" in running.report.read_text(encoding="utf-8")


def test_a_phone_comes_by_the_address_of_the_network(tmp_path: Path) -> None:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than loopback")
    with exam(tmp_path, "--lan", addresses[0], seconds=60) as running:
        assert f"//{addresses[0]}:" in running.invitation["endpoint"]
        assert "Open to every machine" in running.invitation["opened"]
        first = asyncio.run(look_in(running.invitation))
        assert addresses[0].encode() in first or b"examiner" in first
        time.sleep(0.5 * SECOND)
        running.process.send_signal(signal.SIGTERM)
        assert running.result()["joined"] == "passed"


def test_a_person_reads_what_to_start_and_how_it_went(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    words = [word for word in COMMAND if word != "--json"]
    done = subprocess.run(
        [*words, "--seconds", "5", "--report", str(report)],
        capture_output=True, text=True, timeout=60 * SECOND,
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr == ""
    for told in ("--dart-define=ENDPOINT=http://127.0.0.1:", "--dart-define=ROOM=exam",
                 "The time is up.", "Not passed: 0 of 9 criteria."):  # fmt: skip
        assert told in done.stdout
    assert report.read_text(encoding="utf-8").strip() in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seconds", "1"], "a number from 5 to 3,600 s."),
        (["--page", "--lan", "192.0.2.77"], "for this machine"),
        (["--report", "no-such-folder/report.txt"], "cannot be written. No such file"),
        (["--lan", "192.0.2.77"], "is not one of this machine"),
        (["--run", "no-such-folder/exam.run"], "no folder for no-such-folder/exam.run"),
        (["--run", __file__], "exists already"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: list[str], told: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=30 * SECOND)
    assert done.returncode == 1 and done.stdout == ""
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_dead_worker_ends_the_exam_in_words(tmp_path: Path) -> None:
    with exam(tmp_path, seconds=60) as running:
        helpers = psutil.Process(running.process.pid).children(recursive=True)
        (worker,) = [one for one in helpers if "labkit.experiments.worker" in one.cmdline()]
        worker.kill()
        out, err = running.process.communicate(timeout=20 * SECOND)
    assert running.process.returncode == 1 and "result" not in out
    assert err.startswith("labkit: ") and len(err.splitlines()) == 1
    assert psutil.wait_procs(helpers, timeout=3 * SECOND)[1] == []


def test_the_invitation_does_not_show_tokens_by_accident() -> None:
    from labkit.exam import Invitation

    made = Invitation("sdk", "http://127.0.0.1:1/token", "exam", "eyJa", "eyJb", "1234")
    assert "eyJ" not in repr(made)
    assert json.loads(made.for_a_phone())["id_token"] == "eyJa"


def test_a_phone_is_told_another_command_and_a_code_that_the_form_takes() -> None:
    from labkit.exam import Invitation

    told = ("sdk", "http://192.0.2.7:1/token", "exam", "eyJa", "eyJb", "1234", "")
    phone = Invitation(*told, opened="Open to every machine.")
    assert phone.command.startswith("flutter run --dart-define=ENDPOINT=http://192.0.2.7:1/token ")
    assert "paste" in phone.in_words() and "-d chrome" not in phone.in_words()
    here = Invitation(*told)
    assert here.command.startswith("flutter run -d chrome --dart-define=")
    assert "paste" not in here.in_words()
    form = (EXAMPLE / "lib" / "join_page.dart").read_text(encoding="utf-8")
    for name in json.loads(phone.for_a_phone()):
        assert f"'{name}': final String" in form
