"""An exam's verdicts as a page to read: plain text, or HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.exam.verdict import FAILED, NOT_SEEN, PASSED, Verdict, passed
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["check_report", "report_dict", "report_html", "report_text", "write_report"]

SIGNS = {PASSED: "✓", FAILED: "✗", NOT_SEEN: "–"}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #fff }
h1 { font-size: 1.4rem } ol { list-style: none; padding: 0 }
li { border-left: .4rem solid #777; margin: .8rem 0; padding: .3rem .9rem; background: #f5f5f5 }
li.passed { border-color: #1b7f3b } li.failed { border-color: #b3261e }
h2 { font-size: 1rem; margin: 0 } p { margin: .2rem 0 } footer { color: #555; font-size: .85rem }
"""


def report_text(verdicts: Sequence[Verdict], run: Run | None = None) -> str:
    """Return the verdicts as text.

    Args:
        verdicts: Of one exam.
        run: The exam, for the lines at the end.
    """
    lines = [_outcome(verdicts), ""]
    for one in verdicts:
        lines += [f"{SIGNS[one.result]} {one.title} ({_in_words(one.result)})"]
        lines += [f"    {one.evidence}{_at(one)}"]
        lines += [f"    → {one.advice}"] if one.advice else []
    return "\n".join([*lines, *(["", *_about(run)] if run is not None else [])])


def report_html(verdicts: Sequence[Verdict], run: Run | None = None) -> str:
    """Return the verdicts as one HTML page.

    Args:
        verdicts: Of one exam.
        run: The exam, for the lines at the end.
    """
    items = "\n".join(_item(one) for one in verdicts)
    about = "".join(f"<p>{escape(line)}</p>" for line in (_about(run) if run is not None else ()))
    title = escape(_outcome(verdicts))
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><ol>{items}</ol>"
        f"<footer>{about}</footer></body></html>\n"
    )


def report_dict(verdicts: Sequence[Verdict], run: Run) -> dict[str, Any]:
    """Return the verdicts as plain values, for a program.

    Args:
        verdicts: Of one exam.
        run: The exam.
    """
    return {
        "passed": passed(verdicts),
        "kind": run.meta["asked"]["exam"]["kind"],
        "nonce": run.meta["asked"]["exam"]["nonce"],
        "run_id": run.meta["run_id"],
        "created": run.meta["created"],
        "verdicts": [vars(one) for one in verdicts],
    }


def check_report(path: Path) -> None:
    """Look whether a report can be written there, before an exam that takes minutes.

    Raises:
        BadValue: It cannot.
    """
    was_there = path.exists()
    try:
        path.open("a").close()
        if not was_there:
            path.unlink()
    except OSError as error:
        raise _cannot_write(path, error) from None


def write_report(path: Path, verdicts: Sequence[Verdict], run: Run) -> None:
    """Write the report: HTML where the name ends in .html, else text.

    Raises:
        BadValue: The file cannot be written.
    """
    page = report_html if path.suffix.lower() in (".html", ".htm") else report_text
    try:
        path.write_text(page(verdicts, run), encoding="utf-8")
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> BadValue:
    return BadValue(
        _("The report {path} cannot be written.").format(path=path),
        f"{error.strerror}.",
        _("Name a file in a folder that is there."),
    )


def _outcome(verdicts: Sequence[Verdict]) -> str:
    count = sum(one.passed for one in verdicts)
    words = _("Passed") if passed(verdicts) else _("Not passed")
    return _("{outcome}: {count} of {all} criteria.").format(
        outcome=words, count=count, all=len(verdicts)
    )


def _in_words(result: str) -> str:
    return {PASSED: _("passed"), FAILED: _("failed"), NOT_SEEN: _("not seen")}[result]


def _at(one: Verdict) -> str:
    return "" if one.at_s is None else _(" (second {at_s:.1f})").format(at_s=one.at_s)


def _item(one: Verdict) -> str:
    advice = f"<p>→ {escape(one.advice)}</p>" if one.advice else ""
    return (
        f'<li class="{one.result.split()[0]}"><h2>{SIGNS[one.result]} {escape(one.title)} '
        f"({escape(_in_words(one.result))})</h2><p>{escape(one.evidence + _at(one))}</p>"
        f"{advice}</li>"
    )


def _about(run: Run) -> list[str]:
    meta = run.meta
    return [
        _("The number in the other's picture: {nonce}.").format(
            nonce=meta["asked"]["exam"]["nonce"]
        ),
        _("Run {run_id}, {created}, WebRTC Lab {version}.").format(
            run_id=meta["run_id"], created=meta["created"], version=meta["lab_version"]
        ),
        _("Judged by what arrived on the wire, not by what the app says of itself."),
    ]
