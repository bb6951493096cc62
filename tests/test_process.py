"""Child processes: they answer, they fail in words, they never stay."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from labkit.errors import BadValue, WaitTimeout
from labkit.process import GRACE_S, Child, ChildDied
from tests.timing import SECOND

ECHO = "tests.children.echo"


def run(work: object) -> object:
    """Run a coroutine with a limit, so that no test can hang."""

    async def limited() -> object:
        return await asyncio.wait_for(work, 20 * SECOND)  # type: ignore[arg-type]

    return asyncio.run(limited())


def gone(pid: int, within_s: float) -> bool:
    """Whether a process is gone (or a zombie) within some seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_calls_are_answered_and_errors_arrive_as_they_were_raised() -> None:
    async def work() -> None:
        async with await Child.start(ECHO) as child:
            assert await child.call("echo", value={"a": [1, None, b"x"]}) == {"a": [1, None, b"x"]}
            with pytest.raises(BadValue, match="too much"):
                await child.call("fail")
            assert await asyncio.gather(*(child.call("echo", value=n) for n in range(50))) == list(
                range(50)
            )

    run(work())


def test_print_in_a_child_does_not_fall_into_the_messages() -> None:
    async def work() -> None:
        async with await Child.start(ECHO) as child:
            await child.call("shout")
            assert await child.call("echo", value=1) == 1

    run(work())


def test_a_silent_child_is_a_wait_timeout_in_words() -> None:
    async def work() -> None:
        async with await Child.start(ECHO) as child:
            with pytest.raises(WaitTimeout, match="did not answer"):
                await child.call("silence", timeout=0.2 * SECOND)

    run(work())


def test_a_killed_child_ends_every_wait() -> None:
    async def work() -> None:
        async with await Child.start(ECHO) as child:
            await child.call("echo", value=1)
            waiting = asyncio.create_task(child.call("silence", timeout=10 * SECOND))
            await asyncio.sleep(0.05)
            os.kill(child.process.pid, signal.SIGKILL)
            with pytest.raises(ChildDied, match="ended"):
                await waiting
            assert not child.alive
            with pytest.raises(ChildDied):
                await child.call("echo", value=2)

    run(work())


def test_a_child_that_hangs_is_ended_by_force() -> None:
    async def work() -> int:
        child = await Child.start(ECHO)
        await child.call("echo", value=1)
        child.tell("hang")
        await asyncio.sleep(0.05)
        await child.close(timeout=0.2 * SECOND)
        return child.process.pid

    assert gone(run(work()), 1 * SECOND)  # type: ignore[arg-type]


def test_a_child_ends_when_its_parent_is_killed(tmp_path: object) -> None:
    code = (
        "import asyncio\n"
        "from labkit.process import Child\n"
        "async def main():\n"
        f"    child = await Child.start({ECHO!r})\n"
        "    await child.call('echo', value=1)\n"
        "    child.tell('hang')\n"
        "    print(child.process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    assert gone(pid, (GRACE_S + 1) * SECOND)


def test_closing_leaves_no_thread_and_no_open_file() -> None:
    me = psutil.Process()

    async def work() -> None:
        async with await Child.start(ECHO) as child:
            await child.call("echo", value=1)

    run(work())

    def held() -> tuple[int, int, int]:
        files = me.num_fds() if hasattr(me, "num_fds") else 0
        return me.num_threads(), files, len(me.children())

    before = held()
    for _ in range(3):
        run(work())
    assert held() == before
