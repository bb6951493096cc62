"""A real Firefox, driven by WebDriver BiDi: Playwright cannot drive the one that systems have."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import websocket

from tests.timing import SECOND

__all__ = ["FirefoxPage", "find_firefox", "firefox"]

PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "focusmanager.testmode": True,
    # Nothing may call the internet.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}


def find_firefox() -> str | None:
    """Return the path of Firefox, None where there is none on PATH."""
    return next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


class FirefoxPage:
    """A page of a Firefox."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(f"{address}/session", timeout=60 * SECOND,
                                                   suppress_origin=True)  # fmt: skip
        self._number = 0
        self._ask("session.new", capabilities={})
        # The first tab never has the focus, which JupyterLab waits for.
        self._context = self._ask("browsingContext.create", type="tab")["context"]
        self._ask("browsingContext.setViewport", context=self._context,
                  viewport={"width": 1600, "height": 1200})  # fmt: skip

    def goto(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def reload(self) -> None:
        """Load the page again."""
        self._ask("browsingContext.reload", context=self._context, wait="complete")

    def evaluate(self, script: str) -> Any:
        """Return what an expression or a promise comes to; it must be JSON."""
        told = self._ask("script.evaluate", expression=f"(async () => JSON.stringify({script}))()",
                         target={"context": self._context}, awaitPromise=True,
                         userActivation=True)  # fmt: skip
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"].get("value") or "null")

    def until(self, script: str, within_s: float = 30.0) -> Any:
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + within_s * SECOND
        while not (told := self.evaluate(script)):
            assert time.monotonic() < end, f"not within {within_s} s: {script}"
            time.sleep(0.1)
        return told

    def press(self, *keys: str) -> None:
        """Press keys together, for instance Control and Enter."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        self._act("key", down + [{"type": "keyUp", "value": key} for key in reversed(keys)])

    def click(self, element: str) -> None:
        """Click in the middle of what an expression names."""
        self.evaluate(f"({element}).scrollIntoView({{block: 'nearest'}})")
        x, y = self.evaluate(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
                             f"(({element}).getBoundingClientRect())")  # fmt: skip
        to = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self._act("pointer", [to, {"type": "pointerDown", "button": 0},
                              {"type": "pointerUp", "button": 0}])  # fmt: skip

    def screenshot(self, path: Path) -> None:
        """Write down what the page looks like."""
        told = self._ask("browsingContext.captureScreenshot", context=self._context)
        path.write_bytes(base64.b64decode(told["data"]))

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self._ask("input.performActions", context=self._context, actions=[source])

    def close(self) -> None:
        """Let the browser end."""
        with suppress(websocket.WebSocketException, OSError):
            self._ask("browser.close")
        self._socket.close()

    def _ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while (told := json.loads(self._socket.recv())).get("id") != self._number:
            pass  # an event
        assert told["type"] == "success", f"{method}: {told.get('error')}: {told.get('message')}"
        return told["result"]


@contextmanager
def firefox(program: str, **preferences: bool | int | str) -> Iterator[FirefoxPage]:
    """Start Firefox without a window, with a fake camera and a new profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});"
                 for name, value in (PREFERENCES | preferences).items()]  # fmt: skip
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--no-remote", "--profile", profile,
                   "--remote-debugging-port", "0"]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                page = FirefoxPage(_address(Path(profile), process))
                try:
                    yield page
                finally:
                    page.close()
            finally:
                process.terminate()
                process.wait(10 * SECOND)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until Firefox has written down where it listens."""
    told, end = profile / "WebDriverBiDiServer.json", time.monotonic() + 60 * SECOND
    while not told.is_file() or not told.read_text():
        assert process.poll() is None and time.monotonic() < end, "Firefox does not listen"
        time.sleep(0.1)
    where = json.loads(told.read_text())
    return f"ws://{where['ws_host']}:{where['ws_port']}"
