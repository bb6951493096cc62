"""``labkit exam``: the lab as backend, partner and examiner of an app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labkit.words import _

if TYPE_CHECKING:
    from labkit.exam import Exam, Invitation

__all__ = ["exam"]


def exam(
    seconds: Annotated[
        float, typer.Option(help=_("When it is over at the latest, in seconds."))
    ] = 300.0,
    lan: Annotated[
        str | None,
        typer.Option(help=_("Address of this machine to open to its network, for a phone.")),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help=_("The shorter exam: a page of the lab joins by WHIP."))
    ] = False,
    room: Annotated[str, typer.Option(help=_("The room's name."))] = "exam",
    report: Annotated[
        Path | None, typer.Option(help=_("Write the report here: .html, or else text."))
    ] = None,
    run: Annotated[Path | None, typer.Option(help=_("Keep the run in this file."))] = None,
    force: Annotated[
        bool, typer.Option("--force", help=_("Replace a run's file that is there."))
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help=_("Print two lines of JSON: the invitation, and the result.")),
    ] = False,
) -> None:
    """Examine an app: the lab is its backend and the other person; exit code 0 if it passed."""
    from labkit.cli.livekit import _progress
    from labkit.exam import exam as make_exam
    from labkit.exam.names import SDK, WHIP
    from labkit.exam.report import check_report

    if report is not None:
        check_report(report)
    with _progress() as progress:
        made = make_exam(
            WHIP if page else SDK,
            seconds=seconds,
            room=room,
            lan=lan,
            path=run,
            force=force,
            say=None if as_json else print,
            progress=progress,
        )
        fine = asyncio.run(_run(made, report, as_json))
    raise typer.Exit(0 if fine else 1)


async def _run(exam: Exam, report: Path | None, as_json: bool) -> bool:
    from labkit.exam import passed, report_text
    from labkit.exam.report import report_dict, write_report

    async with exam:
        _end_on_signals(exam)
        assert exam.invitation is not None
        _invite(exam.invitation, as_json)
        run = await exam.finish()
    if as_json:
        _print_json({"result": report_dict(exam.verdicts, run)})
    else:
        print(f"\n{report_text(exam.verdicts, run)}", flush=True)
    if report is not None:  # last: whatever becomes of the file, the result is told
        write_report(report, exam.verdicts, run)
    return passed(exam.verdicts)


def _invite(invitation: Invitation, as_json: bool) -> None:
    if as_json:
        _print_json({"invitation": invitation.to_dict()})
        return
    print(invitation.in_words(), flush=True)
    if invitation.opened:
        import segno

        code = segno.make(invitation.for_a_phone(), error="l", micro=False)
        code.terminal(out=sys.stdout, compact=True, border=2)
        sys.stdout.flush()


def _print_json(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


def _end_on_signals(exam: Exam) -> None:
    """Let Ctrl-C end the exam, and not the report on it; a second one ends everything."""
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        exam.stop()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends everything
            loop.add_signal_handler(number, end, number)
