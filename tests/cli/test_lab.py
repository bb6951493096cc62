from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.browser import find_chromium
from labkit.cli import lab, project
from labkit.errors import BadValue, LabError, MissingPart
from tests.timing import SECOND

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*token=(\w+)")


class RunningLab:
    """The real JupyterLab, as `labkit lab` started it."""

    def __init__(self, process: subprocess.Popen[str], address: re.Match[str]) -> None:
        self.process = process
        self.address = address[0]
        self.base, self.token = address[1], address[2]
        self.tree = psutil.Process(process.pid)

    def ask(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.base}/api/{path}", body)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20 * SECOND) as answer:
            return json.load(answer)

    def talks_to(self) -> set[str]:
        """The addresses that the server and its kernels talk to, beside loopback."""
        family = [self.tree, *self.tree.children(recursive=True)]
        ends = [end for one in family for end in one.net_connections(kind="inet")]
        return {end.raddr.ip for end in ends if end.raddr} - {"127.0.0.1"}

    def listens_on(self) -> set[str]:
        ends = self.tree.net_connections(kind="inet")
        return {end.laddr.ip for end in ends if end.status == psutil.CONN_LISTEN}


@contextmanager
def running_lab() -> Iterator[RunningLab]:
    code = "from labkit.cli import main; main()"
    command = [sys.executable, "-c", code, "lab", "--no-browser", "--port", str(lab.free_port())]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            running = RunningLab(process, read_address(process))
            wait_for(running.listens_on, "JupyterLab did not listen")
            yield running
        finally:
            if process.poll() is None:
                process.kill()


def read_address(process: subprocess.Popen[str]) -> re.Match[str]:
    assert process.stderr is not None
    told = ""
    for line in process.stderr:  # ends when the process does
        told += line
        if found := ADDRESS.search(line):
            return found
    pytest.fail(f"JupyterLab did not start:\n{told}")


def wait_for(condition: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + 30 * SECOND
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def start_kernel(running: RunningLab) -> list[str]:
    """Start the kernel that a notebook gets, wait until it listens, and return its command."""
    name = running.ask("kernels", b"{}")["id"]
    children = running.tree.children(recursive=True)
    kernel = next(one for one in children if any(name in word for word in one.cmdline()))
    wait_for(lambda: kernel.net_connections(kind="tcp"), "the kernel did not listen")
    return kernel.cmdline()


def files_of(pid: int) -> list[Path]:
    return list((project.project_folder() / ".lab" / "runtime").glob(f"jpserver-{pid}*"))


def test_the_lab_runs_on_its_own_and_leaves_nothing() -> None:
    with running_lab() as running:
        assert running.listens_on() == {"127.0.0.1"}
        assert running.address.startswith(f"{running.base}/lab/tree/{project.START}")
        assert list(running.ask("kernelspecs")["kernelspecs"]) == ["python3"]

        assert Path(start_kernel(running)[0]) == Path(sys.executable)
        assert running.talks_to() == set()

        family = [running.tree, *running.tree.children(recursive=True)]
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10 * SECOND) == 0
        __, alive = psutil.wait_procs(family, timeout=5 * SECOND)
        assert alive == []
        assert files_of(running.process.pid) == []


@pytest.mark.browser
def test_the_page_phones_nobody_and_asks_nothing() -> None:
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed")
    asked: list[str] = []
    with running_lab() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(running.address)
        page.wait_for_selector("#jp-main-dock-panel", timeout=60_000 * SECOND)
        page.wait_for_timeout(3_000)
        toasts = page.locator(".Toastify__toast").all_inner_texts()
        server_talks_to = running.talks_to()
        browser.close()
    outside = [url for url in asked if not url.startswith((running.base, "data:", "blob:"))]
    assert outside == []
    assert [toast for toast in toasts if "news" in toast.lower()] == []
    assert server_talks_to == set()
    assert not [url for url in asked if "/lab/api/news" in url]


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadValue, match=r"is taken.*--port"):
            lab.lab(no_browser=True, port=taken.getsockname()[1])


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_not_a_port_is_refused(port: int) -> None:
    with pytest.raises(BadValue, match="1 to 65535"):
        lab.lab(no_browser=True, port=port)


def test_without_a_port_a_taken_one_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        monkeypatch.setattr(lab, "FIRST_PORT", first)
        assert lab.free_port() != first
        monkeypatch.setattr(lab, "PORTS_TRIED", 1)
        assert lab.port_is_free(lab.free_port())


def test_the_users_own_jupyter_is_neither_read_nor_written(tmp_path: Path) -> None:
    environment = lab.jupyter_environment(tmp_path)
    theirs = {name: place for name, place in environment.items() if place}
    ours = theirs.pop("JUPYTER_CONFIG_PATH")
    assert Path(ours, "jupyter_lab_config.py").is_file()
    assert all(Path(place).is_relative_to(tmp_path / ".lab") for place in theirs.values())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".lab").write_text("a file is in the way")
    with pytest.raises(LabError, match="Copy the lab"):
        lab.jupyter_environment(tmp_path)


def test_the_folder_is_found_from_within(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    (tmp_path / "requirements.txt").touch()
    # As if labkit lay in another place's site-packages.
    monkeypatch.setattr(project, "__file__", str(tmp_path / "a" / "b" / "labkit" / "project.py"))
    monkeypatch.chdir(tmp_path / "notebooks" / "deeper")
    assert project.project_folder() == tmp_path


def test_no_folder_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(project, "__file__", str(tmp_path / "a" / "b" / "labkit" / "project.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingPart, match="cloned"):
        project.project_folder()


def test_settings_are_json() -> None:
    folder = Path(lab.jupyter_environment.__code__.co_filename).parents[1] / "lab_config"
    text = (folder / "labconfig" / "default_setting_overrides.json").read_text(encoding="utf-8")
    notification = json.loads(text)["@jupyterlab/apputils-extension:notification"]
    assert notification["fetchNews"] == "false"
    assert notification["checkForUpdates"] is False
