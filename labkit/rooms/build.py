"""The LiveKit server's program: found, or built once from its checked source."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from labkit.errors import LabError, MissingPart
from labkit.rooms.gotool import OFFLINE, Runner, find_go, install_go, last_words
from labkit.words import _

__all__ = ["VERSION", "BuildProgress", "build_server", "cache_folder", "find_server"]

VERSION = "1.13.5"
"""The server that the lab builds; goserver/go.mod names the same one."""

OLDEST_SERVER = (1, 13)
"""A server on PATH has to be at least this new."""

BUILD_WITHIN_S = 1800.0

BuildProgress = Callable[[str, float], None]
"""Called with what is being done, in words, and the share of everything that is done (0…1)."""

_SOURCE = Path(__file__).with_name("goserver")
_MAIN = "github.com/livekit/livekit-server/cmd/server"
_MODULES = 120
"""About how many modules a first build fetches; only the progress display uses it."""
_SHARE_OF_FETCHING = 0.2


def cache_folder() -> Path:
    """Return the folder for what the lab builds: ``LAB_CACHE``, else ``~/.cache/webrtc-lab``."""
    named = os.environ.get("LAB_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "webrtc-lab"


def find_server() -> Path | None:
    """Return the server's program from PATH or from the lab's cache; None where there is none."""
    on_path = shutil.which("livekit-server")
    if on_path and server_version(Path(on_path))[:2] >= OLDEST_SERVER:
        return Path(on_path)
    built = built_server()
    return built if built.is_file() else None


def built_server() -> Path:
    """Return where the program is that the lab builds, whether it is there or not."""
    return cache_folder() / f"livekit-server-{VERSION}{'.exe' if os.name == 'nt' else ''}"


def server_version(program: Path) -> tuple[int, ...]:
    """Return what the program says its version is; empty where it does not run.

    Args:
        program: The server's program.
    """
    try:
        told = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", told.stdout)
    return tuple(map(int, found.groups())) if found else ()


def build_server(
    progress: BuildProgress | None = None, *, stop: threading.Event | None = None
) -> Path:
    """Build the server with Go, about two minutes the first time, and return its program.

    The source is checked against goserver/go.sum. A build that was broken off goes on where it
    stopped; of two builders at once, the second waits and takes what the first has built.

    Args:
        progress: Told what is being done; called in this thread.
        stop: Set it from another thread to stop the build.

    Raises:
        MissingPart: There is no Go and none can be installed, or the source cannot be fetched.
        LabError: The source is not what goserver/go.sum says, or does not compile.
        BuildStopped: ``stop`` was set.
        WaitTimeout: It took longer than half an hour.
    """
    tell = progress or (lambda words, share: None)
    runner = Runner(stop or threading.Event(), BUILD_WITHIN_S)
    cache = _writable(cache_folder())
    with _alone(cache / "build.lock", runner, tell):
        if not built_server().is_file():
            _build(cache, runner, tell)
    tell(_("The LiveKit server is built."), 1.0)
    return built_server()


def _build(cache: Path, runner: Runner, tell: BuildProgress) -> None:
    go = find_go(cache)
    if go is None:
        tell(_("Installing Go …"), 0.0)
        go = install_go(cache, runner)
    builder = _Builder(go, cache, runner, tell)
    try:
        count = builder.fetch()
        builder.compile(count)
    except subprocess.CalledProcessError as error:
        raise _in_words(error.output) from None


class _Builder:
    """One build: fetches the source, compiles it, and puts the program in its place."""

    def __init__(self, go: Path, cache: Path, runner: Runner, tell: BuildProgress) -> None:
        self._go = str(go)
        self._cache = cache
        self._runner = runner
        self._tell = tell
        # A compiler for C, a workspace around us or another Go must not be asked for.
        own = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        self._environment = os.environ | own

    def fetch(self) -> int:
        """Fetch the source and return of how many packages it is made."""
        fetched = 0

        def on_line(line: str) -> None:
            nonlocal fetched
            fetched += line.startswith("go: downloading")
            share = min(fetched / _MODULES, 1.0) * _SHARE_OF_FETCHING
            self._tell(
                _("Fetching the source of LiveKit {version} …").format(version=VERSION), share
            )

        lines = self._run("list", "-mod=readonly", "-deps", _MAIN, on_line=on_line)
        return sum(not line.startswith("go: ") for line in lines)

    def compile(self, packages: int) -> None:
        """Compile the packages; the finished program takes its place in one step."""
        compiled = 0

        def on_line(line: str) -> None:
            nonlocal compiled
            compiled += 1
            share = min(compiled / packages, 0.99)
            share = _SHARE_OF_FETCHING + share * (1 - _SHARE_OF_FETCHING)
            self._tell(_("Compiling LiveKit {version} …").format(version=VERSION), share)

        fresh = self._cache / f"coming-{built_server().name}"
        options = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-v"]
        self._run("build", *options, "-o", str(fresh), _MAIN, on_line=on_line)
        if not server_version(fresh):
            raise LabError(
                _("The LiveKit server was built, but does not run."),
                next_step=_("Put a livekit-server on PATH; recorded runs work without it."),
            )
        fresh.replace(built_server())

    def _run(self, *words: str, on_line: Callable[[str], None]) -> list[str]:
        return self._runner.run(
            [self._go, *words], folder=_SOURCE, environment=self._environment, on_line=on_line
        )


def _in_words(output: str) -> LabError:
    if "checksum mismatch" in output or "missing go.sum entry" in output:
        return LabError(
            _("The source of the LiveKit server is not the one that the lab knows."),
            last_words(output),
            _("Nothing was built. Look who changed it: go.sum, the module cache or the network."),
        )
    if any(sign in output for sign in OFFLINE):
        return MissingPart(
            _("The source of the LiveKit server could not be fetched."),
            last_words(output, 1),
            _("Connect to the internet once; recorded runs work without it."),
        )
    return LabError(
        _("The LiveKit server could not be built."),
        last_words(output),
        _("Put a livekit-server on PATH; recorded runs work without it."),
    )


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "build.lock").touch()
    except OSError as error:
        raise LabError(
            _("The lab cannot keep what it builds in {folder}.").format(folder=folder),
            f"{error.strerror}.",
            _("Name another folder in LAB_CACHE."),
        ) from None
    return folder


@contextlib.contextmanager
def _alone(path: Path, runner: Runner, tell: BuildProgress) -> Iterator[None]:
    """Wait until no other program builds; the system lets the lock go when its holder ends."""
    with path.open("r+") as file:
        while not _lock(file):
            tell(_("Another program builds the LiveKit server; waiting for it …"), 0.0)
            runner.check()
            time.sleep(0.1)
        yield


def _lock(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
