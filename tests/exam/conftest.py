"""An exam as its own process, and an app in a real browser that takes it."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import browser
from tests.timing import SECOND

__all__ = ["browser"]

APP = Path(__file__).parent / "app"
SDK = "node_modules/livekit-client/dist/livekit-client.umd.js"


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app with the real ``livekit-client`` beside it, of the version and hash in the lock."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(APP, folder, dirs_exist_ok=True)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120 * SECOND)
    shutil.copy(folder / SDK, folder)
    return folder


@pytest.fixture(scope="session")
def app_address(app_folder: Path) -> Iterator[str]:
    """Where the app is served."""
    handler = partial(_Quiet, directory=str(app_folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join(5 * SECOND)


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A page with a camera of its own; what it looked like in the end is kept by pytest."""
    context = browser.new_context(
        permissions=["camera", "microphone"], viewport={"width": 1000, "height": 700}
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    if not page.is_closed():
        page.screenshot(path=tmp_path / "end.png")
    context.close()
    assert complaints == []


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
