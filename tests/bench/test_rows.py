"""The benchmark's table: what is measured is in it, what is not says why."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from labkit.bench import all as rows_module
from labkit.bench.all import ORDER as ROW_ORDER
from labkit.bench.all import ROWS, run_rows
from labkit.bench.kept import Kept, keep, kept_beside
from labkit.bench.links import IN_TURN, exact_loss, same_seed, shifts_off_ms
from labkit.bench.panel import ORDER, shift
from labkit.bench.row import Row
from labkit.bench.soak import RESULT, left_behind, soak_row
from labkit.bench.table import about_machine, markdown
from labkit.cli.bench import bench
from labkit.errors import BadValue, MissingPart


def rows(*only: str, folder: Path) -> list[Row]:
    """Run rows of the bench."""
    return asyncio.run(run_rows(only, 3.0, folder, lambda key: None))


def test_an_unknown_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="no row 'speed'"):
        rows("speed", folder=tmp_path)


def test_a_row_whose_other_side_is_missing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(_seconds: float) -> Row:
        raise MissingPart("Chromium is not installed.", next_step="Install Chromium.")

    monkeypatch.setitem(rows_module.ROWS, "click", missing)
    (row,) = rows("click", folder=tmp_path)
    assert row.met is None
    assert "Install Chromium" in row.note


def test_a_row_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_seconds: float) -> Row:
        raise RuntimeError("the page is gone\nwith a long log")

    monkeypatch.setitem(rows_module.ROWS, "click", failing)
    failed, soak = rows("click", "soak", folder=tmp_path)
    assert failed.met is None and failed.measured == "failed"
    assert failed.note == "RuntimeError: the page is gone"
    assert soak.key == "soak"


def test_the_command_looks_at_the_folder_first_and_fails_with_a_failed_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    async def failing(_seconds: float) -> Row:
        measured.append("click")
        raise RuntimeError("the page is gone")

    monkeypatch.setitem(rows_module.ROWS, "click", failing)
    with pytest.raises(BadValue, match="no folder"):
        bench(only=["click"], out=tmp_path / "nowhere" / "page.md")
    assert not measured
    with pytest.raises(typer.Exit) as ended:
        bench(only=["click"], out=tmp_path / "page.md")
    assert ended.value.exit_code == 1
    assert "| failed |" in (tmp_path / "page.md").read_text("utf-8")


def test_the_machine_is_looked_at_once_before_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []

    def about() -> dict[str, Any]:
        told.append({"looks": len(told) + 1})
        return told[-1]

    async def measured(_seconds: float) -> Row:
        return Row("click", "a click", "soon", "now", True)

    monkeypatch.setattr("labkit.bench.table.about_machine", about)
    monkeypatch.setitem(rows_module.ROWS, "click", measured)
    bench(only=["click", "click"], as_json=True)
    assert json.loads(capsys.readouterr().out)["machine"] == {"looks": 1}
    assert len(told) == 2


def test_soak_is_read_with_its_date_or_not_run(tmp_path: Path) -> None:
    assert soak_row(tmp_path).measured == "not run"
    before = {"tasks": 0, "memory_mb": 100.0}
    result = {
        "calls": 1000,
        "date": "2026-01-02T00:00:00+00:00",
        "machine": "Linux",
        "python": "3.11",
        "before": before,
        "after": {"tasks": 2, "memory_mb": 131.0},
        "memory_mb": [100.0, 130.0, 131.0],
        "seconds_p50": 0.5,
    }
    (tmp_path / RESULT).parent.mkdir()
    (tmp_path / RESULT).write_text(json.dumps(result))
    row = soak_row(tmp_path)
    assert row.met is False
    assert "2026-01-02" in row.note
    assert left_behind(result) == {"tasks": 2}
    assert left_behind({**result, "memory_mb": [100.0, 110.0, 131.0]}) == {
        "tasks": 2,
        "memory_mb": 21.0,
    }


def test_the_page_has_a_line_for_every_row() -> None:
    some = [Row(key, f"what {key}", "≤ 1", "0.5", True, f"how {key}") for key in ROWS]
    page = markdown([Kept(row, about_machine(), 10.0) for row in some])
    for row in some:
        assert f"| {row.what} | {row.reach} | {row.measured} | yes |" in page
        assert f"**{row.what}**: {row.note}" in page


def test_a_row_that_is_measured_again_leaves_the_others_with_their_dates(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"

    def measured(key: str, result: str, date: str) -> list[Kept]:
        row = Row(key, f"what {key}", "≤ 1", result, True, figures={"all": [1, 2]})
        return keep(page, Kept(row, {**about_machine(), "date": date}, 5.0), ROW_ORDER)

    measured("link", "0.1", "2026-01-01")
    measured("latency", "0.2", "2026-01-02")
    kept = measured("link", "0.3", "2026-01-03")
    assert [one.row.key for one in kept] == ["latency", "link"]
    assert [one.row.measured for one in kept] == ["0.2", "0.3"]
    assert [one.machine["date"] for one in kept_beside(page)] == ["2026-01-02", "2026-01-03"]
    assert "2026-01-02" in markdown(kept) and "2026-01-01" not in markdown(kept)


def test_rows_that_cannot_be_read_are_not_thrown_away(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.with_suffix(".json").write_text('[{"row": {"key": "link"}}]')
    with pytest.raises(BadValue, match="does not hold rows"):
        kept_beside(page)


@pytest.mark.alone
def test_a_seed_means_the_same_fates_and_exact_is_exact() -> None:
    assert asyncio.run(same_seed(1.0)).met
    exact = asyncio.run(exact_loss(4.0))
    assert exact.met, exact.measured


def test_a_delay_is_compared_with_the_clean_calls_beside_it() -> None:
    slower_and_slower = [delay + 5 + 0.5 * number for number, delay in enumerate(IN_TURN)]
    assert shifts_off_ms(IN_TURN, slower_and_slower) == pytest.approx({20: 0, 50: 0, 100: 0})
    assert IN_TURN[0] == IN_TURN[-1] == 0
    one_bad_call = [5.0 + delay for delay in IN_TURN]
    one_bad_call[1] += 30.0
    assert shifts_off_ms(IN_TURN, one_bad_call) == {20: 0, 50: 0, 100: 0}
    late = [5.0 + delay * 1.1 for delay in IN_TURN]
    assert shifts_off_ms(IN_TURN, late) == pytest.approx({20: 2, 50: 5, 100: 10})


def test_with_and_without_the_panel_are_compared_round_by_round() -> None:
    blocks = [{"shown": shown, "p50": 5.0 + k + shown} for k, shown in enumerate(ORDER * 3)]
    assert shift(blocks, "p50") == 1.0
    blocks[1]["p50"] = 90.0
    assert shift(blocks, "p50") == 1.0
