"""The chapter's exam: ended by itself, by a second one, or not there at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from labkit.errors import BadValue, CallError, LabError, MissingPart, WaitTimeout
from labkit.exam import judge, taking
from labkit.exam.taking import PageExam, take_exam
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import eventually, nothing_left, run
from tests.timing import SECOND

RECORDED = Path(__file__).parents[2] / "notebooks" / "data" / "exam-page.run"


def helpers() -> int:
    """How many processes there are below this one."""
    return len(psutil.Process().children(recursive=True))


def servers() -> int:
    """How many of them are LiveKit servers."""
    below = psutil.Process().children(recursive=True)
    return sum(one.name().startswith("livekit-server") for one in below)


def test_an_exam_that_nobody_ends_ends_itself(livekit_binary: Path) -> None:
    async def work() -> None:
        before = helpers()
        own = await take_exam(RECORDED, seconds=5, build=False)
        assert helpers() > before and repr(own) == "An exam, running."
        assert "<iframe" in own.page()._repr_html_()  # type: ignore[union-attr]
        assert await asyncio.to_thread(eventually, lambda: helpers() == before, 25 * SECOND)
        ended = await own.end()
        assert [one.result for one in judge(ended)] == ["not seen"] * 5
        assert await own.end() is ended
        assert taking._open == {} and repr(own) == "An exam that is over."

    with nothing_left():
        run(work())


def test_the_cell_run_again_leaves_one_exam(livekit_binary: Path) -> None:
    async def work() -> None:
        before, others = helpers(), servers()  # the session's own server may run, too
        first = await take_exam(RECORDED, build=False)
        second = await take_exam(RECORDED, build=False)
        assert servers() == others + 1
        with pytest.raises(CallError, match="closed before its end"):
            await first.end()
        await second.close()
        await second.close()
        assert helpers() == before

    with nothing_left():
        run(work())


@pytest.mark.parametrize(
    "error", [MissingPart("There is no LiveKit server."), WaitTimeout("It took too long.")]
)
def test_without_a_server_the_recorded_exam_is_there(
    error: LabError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def start(_server: LivekitServer) -> None:
        raise error

    monkeypatch.setattr(LivekitServer, "start", start)

    async def work() -> None:
        own = await take_exam(RECORDED, build=False)
        assert isinstance(own.page(), PageExam)
        told = f"{error} What was recorded on another machine is shown instead."
        assert repr(own.page()) == told
        assert [one.result for one in judge(await own.end())] == ["passed"] * 5
        assert capsys.readouterr().out.startswith("Recorded on 20")
        await own.close()

    run(work())


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(BadValue, match="5 to 3,600"):
        run(take_exam(RECORDED, seconds=1))
