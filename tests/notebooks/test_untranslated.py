"""Words without gettext are found, and the lab has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.untranslated import error_names, findings, untranslated

ERRORS = {"LabError", "BadValue"}


@pytest.mark.parametrize(
    "line",
    [
        'raise BadValue("The delay is negative.")',
        'raise BadValue(_("fine"), why="Time runs forward.")',
        'raise BadValue(_("fine"), f"{x} is negative")',
        'raise errors.LabError("One " + _("two"))',
        'raise LabError("{n} calls".format(n=3))',
        'raise LabError("no" if x else _("yes"))',
        'Button(description="Start")',
        'button.tooltip = "Starts the call"',
        'HTML("<b>calling</b>")',
        'ax.set_xlabel("Time (s)")',
        'ax.plot(x, y, label="video")',
        'print("done")',
        'typer.echo(f"{n} frames")',
        '_(f"{n} frames")',
        '_("two " + name)',
        'ngettext("{n} frame", f"{n} frames", n)',
    ],
)
def test_a_bare_word_is_found(line: str) -> None:
    assert untranslated(line, ERRORS)


@pytest.mark.parametrize(
    "line",
    [
        'raise BadValue(_("The delay is negative."), next_step=_("Take {a}.").format(a="10 ms"))',
        'raise ValueError("our own mistake")',
        'Button(description=_("Start"))',
        'Button(description="▶")',
        'HTML("<b>" + _("calling") + "</b>")',
        'ax.plot(x, y, label="VP8")  # untranslated: a name',
        'typer.Option(help="Seconds to record")',
        "print(text)",
        'print(f"labkit {version}")',
        'files.print_to("path")',
        "_(message)",
    ],
)
def test_what_is_no_bare_word_is_left_alone(line: str) -> None:
    assert untranslated(line, ERRORS) == []


def test_the_pardon_needs_a_reason() -> None:
    assert untranslated('print("VP8")  # untranslated:', ERRORS)


def test_children_of_our_errors_count_wherever_they_are(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("class LabError(Exception): ...")
    (tmp_path / "a.py").write_text("class Deep(Shallow): ...")
    (tmp_path / "b.py").write_text(
        "class Shallow(errors.LabError): ...\nclass Other(Exception): ..."
    )
    assert error_names(tmp_path) == {"LabError", "Shallow", "Deep"}


def test_every_word_of_the_lab_can_be_translated() -> None:
    assert findings() == []
