"""What is exported is there whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from labkit.errors import LabError
from labkit.run.written import written_whole


def test_all_take_their_places_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("before")
    with written_whole(first, second) as parts:
        for part in parts:
            part.write_text("new")
        assert first.read_text() == "before" and not second.exists()
    assert [path.read_text() for path in (first, second)] == ["new", "new"]
    assert sorted(tmp_path.iterdir()) == [first, second]


def broken_off(error: BaseException, *targets: Path) -> None:
    with written_whole(*targets) as parts:
        parts[0].write_text("half")
        raise error


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("before")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(LabError, match="No space left") as refused:
        broken_off(full, first, second)
    assert str(tmp_path) in str(refused.value) and "room" in str(refused.value)
    assert first.read_text() == "before"
    assert list(tmp_path.iterdir()) == [first]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        broken_off(KeyboardInterrupt(), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_text("before")
    link = tmp_path / "link.png"
    link.symlink_to("real.png")
    with written_whole(link) as (part,):
        part.write_text("new")
    assert link.is_symlink() and (tmp_path / "real.png").read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    with written_whole(pipe) as (part,):
        part.write_text("packets")
    reader.join(5)
    assert heard == ["packets"] and pipe.is_fifo()
