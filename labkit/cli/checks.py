"""What ``labkit doctor`` looks at: each check is a function that returns one line."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from labkit.browser import find_chromium
from labkit.cli.lab import FIRST_PORT, free_port
from labkit.cli.project import START, find_project
from labkit.cli.testing import missing_test_packages
from labkit.words import _

__all__ = ["Check", "State", "all_checks"]

State = Literal["ok", "missing", "optional", "failed"]


@dataclass(frozen=True)
class Check:
    """One line of the doctor."""

    name: str
    """A word for machines, the same in every language."""
    state: State
    """``missing`` and ``failed`` are required parts; ``optional`` is absent and may be."""
    detail: str
    """What was found."""
    remedy: str = ""
    """What to do about it; empty where nothing is to be done."""


def all_checks() -> Iterator[Check]:
    """Look at one thing after another; a look that breaks is a check that says so, not an error."""
    for name, look in _LOOKS.items():
        try:
            yield look()
        except Exception as error:
            yield _broken(name, error)


def _broken(name: str, error: Exception) -> Check:
    detail = f"{type(error).__name__}: {error}"
    if name in _REQUIRED:
        return Check(name, "failed", detail, _("Run “make install” again."))
    return Check(
        name, "optional", detail, _("Only for some chapters and tests: mend or remove it.")
    )


def python() -> Check:
    """The Python that labkit runs in: 3.11, 3.12 or 3.13."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        return Check("python", "ok", f"{version}, {sys.executable}")
    return Check("python", "failed", version, _("Install Python 3.11, 3.12 or 3.13."))


def packages() -> Check:
    """The installed packages, against the pins of requirements.txt."""
    pins = [pin for pin in _pins() if pin.marker is None or pin.marker.evaluate()]
    installed = {pin.name: _version(pin.name) for pin in pins}
    missing = [name for name, version in installed.items() if version is None]
    other = [pin for pin in pins if not pin.specifier.contains(installed[pin.name] or "", True)]
    remedy = _("Run “make install”, or: python -m pip install -r requirements.txt")
    if missing:
        return Check("packages", "missing", ", ".join(missing), remedy)
    if not other:
        return Check("packages", "ok", _("{count} as pinned").format(count=len(pins)))
    named = ", ".join(f"{pin.name} {installed[pin.name]} ({pin.specifier})" for pin in other)
    # What only others depend on may differ: it does no harm that we know of.
    ours = {canonicalize_name(need.name) for need in _declared()}
    if ours.isdisjoint(canonicalize_name(pin.name) for pin in other):
        detail = _("{count} as pinned, but {others}")
        return Check("packages", "ok", detail.format(count=len(pins) - len(other), others=named))
    return Check("packages", "failed", named, remedy)


def notebooks() -> Check:
    """The lab's folder with its first notebook."""
    folder = find_project()
    if folder is not None and (folder / START).is_file():
        return Check("notebooks", "ok", str(folder))
    return Check(
        "notebooks",
        "missing",
        _("{start} was not found").format(start=START),
        _("Run the command in the folder that you cloned."),
    )


def video_codec(name: str, encoder: str, decoder: str) -> Check:
    """Encode and decode one small picture."""
    import av

    sender = av.CodecContext.create(encoder, "w")
    sender.width, sender.height, sender.pix_fmt = 64, 64, "yuv420p"  # type: ignore[attr-defined]
    sender.time_base = Fraction(1, 30)
    frame = av.VideoFrame(64, 64, "yuv420p")
    frame.pts = 0
    return _round_trip(name, encoder, sender, av.CodecContext.create(decoder, "r"), frame)


def opus() -> Check:
    """Encode and decode 20 ms of silence."""
    import av
    import numpy as np

    sender = av.CodecContext.create("libopus", "w")
    sender.sample_rate, sender.layout, sender.format = 48_000, "mono", "s16"
    sound = np.zeros((1, 960), np.int16)
    frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    return _round_trip("opus", "libopus", sender, av.CodecContext.create("libopus", "r"), frame)


def udp_loopback() -> Check:
    """Send one datagram to 127.0.0.1 and wait for it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1.0)
        try:
            sender.sendto(b"labkit", receiver.getsockname())
            receiver.recv(64)
        except OSError as error:
            remedy = _("Allow UDP to 127.0.0.1 in the firewall: every call of the lab goes there.")
            return Check("udp_loopback", "failed", str(error), remedy)
    return Check("udp_loopback", "ok", _("a datagram to 127.0.0.1 arrived"))


def network_interface() -> Check:
    """An address other than loopback, which libwebrtc wants for its candidates."""
    import ifaddr

    addresses = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    outside = [str(ip) for ip in addresses if not str(ip).startswith("127.")]
    if outside:
        return Check("network_interface", "ok", ", ".join(outside))
    return Check(
        "network_interface",
        "optional",
        _("only loopback"),
        _("Only libwebrtc needs one: connect to any network; nothing is sent to it."),
    )


def ports() -> Check:
    """A free TCP port for JupyterLab."""
    port = free_port()
    if port == FIRST_PORT:
        return Check("ports", "ok", _("{port} is free").format(port=port))
    detail = _("{first} is taken; JupyterLab will use {port}").format(first=FIRST_PORT, port=port)
    return Check("ports", "ok", detail)


def test_packages() -> Check:
    """What the tests need on top of the lab."""
    missing = missing_test_packages()
    if not missing:
        return Check("test_packages", "ok", _("all there"))
    remedy = _("Only for the tests: python -m pip install -r requirements-test.txt")
    return Check("test_packages", "optional", ", ".join(missing), remedy)


def chromium() -> Check:
    """A Chromium for the browser's tests."""
    path = find_chromium()
    if path:
        return Check("chromium", "ok", path)
    remedy = _("Only for the browser tests: install Chromium or Chrome, or set CHROME_PATH.")
    return Check("chromium", "optional", _("not found"), remedy)


def wrtc() -> Check:
    """The package with libwebrtc."""
    version = _version("wrtc")
    if version and find_spec("wrtc"):
        return Check("wrtc", "ok", version)
    remedy = _("Only to compare with libwebrtc: python -m pip install wrtc")
    return Check("wrtc", "optional", _("not installed"), remedy)


def livekit_server() -> Check:
    """The LiveKit server's program, from PATH or built by the lab."""
    from labkit.rooms.build import find_server, server_version

    found = find_server()
    if found is not None:
        version = ".".join(map(str, server_version(found)))
        return Check("livekit-server", "ok", f"{version}, {found}")
    remedy = _("Only for rooms: “labkit livekit --build”, about two minutes, once")
    return Check("livekit-server", "optional", _("not built yet"), remedy)


def program(name: str, executable: str, argument: str, remedy: str) -> Check:
    """A program on PATH, and the first line that it says about its version."""
    path = shutil.which(executable)
    if path is None:
        return Check(name, "optional", _("not found"), remedy)
    told = subprocess.run(
        [path, argument], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
    )
    lines = (told.stdout or told.stderr).strip().splitlines()
    first = lines[0].strip() if lines else path
    if told.returncode != 0:
        detail = _("{path} ends with code {code}: {words}")
        detail = detail.format(path=path, code=told.returncode, words=first)
        return Check(name, "optional", detail, remedy)
    return Check(name, "ok", first)


def _round_trip(name: str, encoder: str, sender: Any, receiver: Any, frame: Any) -> Check:
    packets = [*sender.encode(frame), *sender.encode(None)]
    decoded = [picture for packet in packets for picture in receiver.decode(packet)]
    decoded += receiver.decode(None)
    if decoded:
        return Check(name, "ok", _("{encoder} encodes and decodes").format(encoder=encoder))
    return Check(name, "failed", _("nothing came back"), _("Run “make install” again."))


def _declared() -> list[Requirement]:
    needs = [Requirement(line) for line in metadata.requires("webrtc-lab") or []]
    return [need for need in needs if "extra" not in str(need.marker)]


def _pins() -> list[Requirement]:
    folder = find_project()
    if folder is None:
        return _declared()
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


_REQUIRED = {
    *("python", "packages", "notebooks", "vp8", "h264", "opus"),
    *("udp_loopback", "network_interface", "ports"),
}
"""What the lab cannot do without; everything else is for some chapters or tests."""

_LOOKS: dict[str, Callable[[], Check]] = {
    "python": python,
    "packages": packages,
    "notebooks": notebooks,
    "vp8": lambda: video_codec("vp8", "libvpx", "libvpx"),
    "h264": lambda: video_codec("h264", "libx264", "h264"),
    "opus": opus,
    "udp_loopback": udp_loopback,
    "network_interface": network_interface,
    "ports": ports,
    "test_packages": test_packages,
    "chromium": chromium,
    "wrtc": wrtc,
    "tshark": lambda: program(
        "tshark", "tshark", "--version", _("Only to read captures: apt install tshark")
    ),
    "node": lambda: program(
        "node", "node", "--version", _("Only to test JavaScript: apt install nodejs")
    ),
    "espeak-ng": lambda: program(
        "espeak-ng", "espeak-ng", "--version", _("Only for speech: apt install espeak-ng")
    ),
    "turnserver": lambda: program(
        "turnserver", "turnserver", "--version", _("Only for a foreign TURN: apt install coturn")
    ),
    "go": lambda: program(
        "go", "go", "version", _("Only to build livekit-server; the lab can fetch Go itself")
    ),
    "livekit-server": livekit_server,
}
