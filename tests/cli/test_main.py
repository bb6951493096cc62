from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

import labkit
from labkit import cli
from labkit.errors import BadValue
from tests.timing import SECOND


def run_labkit(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from labkit.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30 * SECOND)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setitem(cli.COMMANDS, "doctor", f"{__name__}:broken")
    monkeypatch.setattr(sys.modules[__name__], "broken", broken, raising=False)


def test_help_names_every_command() -> None:
    told = run_labkit("--help").stdout
    assert all(name in told for name in cli.COMMANDS)


def test_each_command_has_help() -> None:
    app = cli.build_app()
    for command in app.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__, command.name


def test_version() -> None:
    done = run_labkit("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"labkit {labkit.__version__}")


def test_help_does_not_load_the_heavy_packages() -> None:
    code = (
        "import sys; from labkit.cli import build_app; build_app();"
        "print(sorted({'numpy', 'pandas', 'aiortc', 'av', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_one_command_loads_its_own_module_alone() -> None:
    app = cli.build_app(["doctor", "--json"])
    assert [command.name for command in app.registered_commands] == ["doctor"]


def test_unknown_command_is_refused() -> None:
    done = run_labkit("nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_lab_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(
        monkeypatch, BadValue("loss is 1.5.", "It is a share.", "Choose 0 to 1,\nas in 0.05.")
    )
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    assert end.value.code == 1
    told = capsys.readouterr()
    assert told.err == "labkit: loss is 1.5. It is a share. Choose 0 to 1, as in 0.05.\n"
    assert told.out == ""


def test_interrupt_is_one_line_and_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "labkit: stopped.\n"


def test_so_is_one_while_the_command_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_app", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "labkit: stopped.\n"


def test_and_one_while_the_command_line_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    there = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}  # noqa: PTH109
    command = [sys.executable, "-m", "labkit", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=there)
    assert (done.returncode, done.stderr) == (130, "labkit: stopped.\n")


def test_a_mistake_of_ours_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LAB_DEBUG", raising=False)
    fail_with(monkeypatch, ZeroDivisionError("division by zero"))
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    told = capsys.readouterr().err
    assert end.value.code == 1
    assert "ZeroDivisionError: division by zero" in told
    assert told.count("\n") == 1


def test_lab_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEBUG", "1")
    fail_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_exit_codes_of_commands_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, typer.Exit(7))
    with pytest.raises(SystemExit) as end:
        cli.main(["doctor"])
    assert end.value.code == 7


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_exists(name: str) -> None:
    module, function = cli.COMMANDS[name].split(":")
    assert callable(getattr(import_module(module), function))
