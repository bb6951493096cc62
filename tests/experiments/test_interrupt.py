"""The square in JupyterLab ends a cell that waits: a real kernel, interrupted for real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from tests.experiments.helpers import alive, eventually
from tests.timing import SECOND

CELL = """
import labkit as lab
from pathlib import Path

call = lab.call(video=lab.TestPattern(320, 240))
run = await call.record(300, progress=lambda share: Path({flag!r}).touch())
"""


@pytest.fixture
def kernel() -> Iterator[tuple[Any, Any]]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def ended(client: Any, cell: str, within_s: float) -> str:
    """Return what a cell ended with: "ok", or the name of its error."""
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        reply = client.get_shell_msg(timeout=left)
        if reply["parent_header"].get("msg_id") == cell:
            return str(reply["content"].get("ename", reply["content"]["status"]))
    raise TimeoutError


def test_an_interrupted_cell_comes_back_and_leaves_nothing(
    kernel: tuple[Any, Any], tmp_path: Path
) -> None:
    manager, client = kernel
    cell = client.execute(CELL.format(flag=str(tmp_path / "recording")))
    assert eventually((tmp_path / "recording").exists, 30 * SECOND)
    family = psutil.Process(manager.provisioner.process.pid).children(recursive=True)
    assert len(family) >= 3  # worker, relay, recorder
    manager.interrupt_kernel()
    assert ended(client, cell, 5 * SECOND) in ("CancelledError", "KeyboardInterrupt")
    assert eventually(lambda: not alive(family), 3 * SECOND)
