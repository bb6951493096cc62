"""``labkit lab``: the real JupyterLab, with settings of the lab's own, on its first notebook."""

from __future__ import annotations

import errno
import os
import signal
import socket
from pathlib import Path
from typing import Annotated

import typer

from labkit.cli.project import START, project_folder
from labkit.errors import BadValue, LabError
from labkit.words import _

__all__ = ["free_port", "jupyter_arguments", "jupyter_environment", "lab", "port_is_free"]

FIRST_PORT = 8888
PORTS_TRIED = 50


def lab(
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help=_("Print the address instead of opening it."))
    ] = False,
    port: Annotated[
        int | None, typer.Option(help=_("TCP port; without it the first free one from 8888 on."))
    ] = None,
) -> None:
    """Open JupyterLab on the first notebook, on this machine only; Ctrl-C ends it."""
    folder = project_folder()
    arguments = jupyter_arguments(folder, port=_chosen(port), browser=not no_browser)
    os.environ.update(jupyter_environment(folder))

    from jupyterlab.labapp import LabApp  # reads the environment that was just set

    server = LabApp.initialize_server(arguments)
    # Jupyter's own handler asks "y/n", and without a terminal leaves its files behind.
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    server.start()


def jupyter_arguments(folder: Path, *, port: int, browser: bool) -> list[str]:
    """Return what JupyterLab is told on its command line.

    Args:
        folder: The lab's folder, which becomes the root of the file browser.
        port: TCP port, 1–65535, that is free.
        browser: Whether to open a browser.
    """
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{START}",
    ]
    return arguments if browser else [*arguments, "--no-browser"]


def jupyter_environment(folder: Path) -> dict[str, str]:
    """Return the variables that keep the user's own Jupyter and IPython untouched.

    Args:
        folder: The lab's folder; what Jupyter writes goes to its ``.lab``.

    Raises:
        LabError: The folder cannot be written to.
    """
    own = folder / ".lab"
    try:
        own.mkdir(exist_ok=True)
    except OSError as error:
        raise LabError(
            _("JupyterLab's settings cannot be kept in {folder}.").format(folder=own),
            f"{error.strerror}.",
            _("Copy the lab to a folder that you may write to."),
        ) from None
    return {
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_CONFIG_PATH": str(Path(__file__).parents[1] / "lab_config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_PATH": "",
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
    }


def port_is_free(port: int) -> bool:
    """Return whether this machine's loopback address has the TCP port free.

    Raises:
        BadValue: This user may not open the port at all.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # what JupyterLab does too; on Windows it means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise BadValue(
                _("Port {port} cannot be opened.").format(port=port),
                f"{error.strerror}.",
                _("Choose one above 1023, or none at all."),
            ) from None
    return True


def free_port() -> int:
    """Return the first free port from 8888 on, else any free one."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if port_is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _chosen(port: int | None) -> int:
    if port is None:
        return free_port()
    if not 1 <= port <= 65535:
        raise BadValue(
            _("{port} is not a TCP port.").format(port=port),
            _("Ports go from 1 to 65535."),
            _("Leave the option out to get a free one."),
        )
    if not port_is_free(port):
        raise BadValue(
            _("Port {port} is taken.").format(port=port),
            _("Another program listens there, perhaps another JupyterLab."),
            _("End that program, or choose another port with --port."),
        )
    return port
