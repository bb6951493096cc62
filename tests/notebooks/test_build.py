"""Notebooks are what their sources make, ids stay, and solutions stay out."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notebooks import nbval
from tests.notebooks.nbval import failure, run_nbval
from tests.timing import SECOND
from tools import notebooks
from tools.notebooks import SourceError, build, build_all, solve_all, stale, without_solution

EXERCISE = """\
# %% [markdown]
# # Doubling

# %%
start = 2

# %%
def double(number):
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION


# %% tags=["needs-solution"]
assert double(start) == 4

# %%
assert start == 2
"""
SOLVED = "def double(number):\n    return 2 * number\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "notebooks" / "src" / "deeper" / "double.py"
    source.parent.mkdir(parents=True)
    source.write_text(EXERCISE)
    return tmp_path / "notebooks"


def percent(cells: list[str]) -> str:
    return "\n\n".join(f"# %%\n{cell}" for cell in cells)


def test_the_student_gets_an_unfinished_cell() -> None:
    cell = build(EXERCISE, "double").cells[2]
    assert cell.source == (
        "def double(number):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert cell.metadata.tags == ["unfinished", "raises-exception"]


def test_what_needs_the_solution_may_raise_for_the_student_only() -> None:
    assert build(EXERCISE, "double").cells[3].metadata.tags == [
        "needs-solution",
        "raises-exception",
    ]
    solved = build(EXERCISE, "double", solved=True)
    assert solved.cells[3].metadata.tags == ["needs-solution"]
    assert solved.cells[2].metadata == {}
    assert "return 2 * number" in solved.cells[2].source


def test_student_and_solution_have_the_same_ids() -> None:
    assert [cell.id for cell in build(EXERCISE, "x").cells] == [
        cell.id for cell in build(EXERCISE, "x", solved=True).cells
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["### BEGIN SOLUTION", "1"], "without “### END SOLUTION”"),
        (["### END SOLUTION"], "without “### BEGIN SOLUTION”"),
        (["### BEGIN SOLUTION", "### BEGIN SOLUTION", "### END SOLUTION"], "inside a solution"),
        (["## BEGIN SOLUTION", "1", "### END SOLUTION"], "is not a marker"),
        (["x = 1  ### BEGIN SOLUTION", "1", "### END SOLUTION"], "is not a marker"),
        (["### begin_solution", "1"], "is not a marker"),
    ],
)
def test_a_wrong_marker_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        without_solution("\n".join(lines))


def test_the_message_names_notebook_and_cell() -> None:
    with pytest.raises(SourceError, match=r"^deeper/x, cell 2: “### END SOLUTION” without"):
        build(percent(["a = 1", "### END SOLUTION"]), "deeper/x")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('# %% colour="red"\n1', "metadata"),
        ('# %% tags=["raises-exception"]\n1', "set by the build"),
        ("# %% [markdown]\n# ### BEGIN SOLUTION\n# x\n# ### END SOLUTION", "code cell"),
        ("# %%\nx = (\n### BEGIN SOLUTION\n1)\n### END SOLUTION", "no Python"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(source: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        build(source, "x")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_a_cell_without_a_solution_is_left_as_it_is(line: str) -> None:
    source = f"a = 1\n{line}\n\nb = 2"
    if "solution" not in line.lower():
        assert without_solution(source) == source


CELLS = st.lists(st.sampled_from([f"value = {n}" for n in range(6)]), max_size=8)


@given(cells=CELLS, place=st.integers(0, 8))
def test_a_new_cell_changes_no_other_id(cells: list[str], place: int) -> None:
    before = [cell.id for cell in build(percent(cells), "x").cells]
    grown = build(percent([*cells[:place], "new = 0", *cells[place:]]), "x").cells
    assert [cell.id for cell in grown if cell.source != "new = 0"] == before
    assert len({cell.id for cell in grown}) == len(grown)


def test_two_notebooks_share_no_id() -> None:
    first, second = (build(EXERCISE, name) for name in ("a", "b"))
    assert not {cell.id for cell in first.cells} & {cell.id for cell in second.cells}


def test_check_names_what_is_missing_stale_or_without_source(folder: Path) -> None:
    assert stale(folder) == ["notebooks/deeper/double.ipynb is not built yet"]
    (built,) = build_all(folder)
    assert stale(folder) == []
    built.write_text(built.read_text("utf-8").replace("start = 2", "start = 3"))
    built.with_name("lost.ipynb").write_text("{}")
    assert stale(folder) == [
        "notebooks/deeper/double.ipynb is not what its source makes",
        "notebooks/deeper/lost.ipynb has no source in notebooks/src",
    ]


def test_a_notebook_that_was_run_and_saved_is_stale(folder: Path) -> None:
    (built,) = build_all(folder)
    notebook = nbformat.read(built, 4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, built)
    assert stale(folder) == ["notebooks/deeper/double.ipynb is not what its source makes"]


def test_a_second_build_writes_nothing(folder: Path) -> None:
    assert len(build_all(folder)) == 1
    assert build_all(folder) == []


def test_check_fails_with_the_names_on_stderr(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notebooks.stale, "__defaults__", (folder,))
    assert notebooks.main(["check"]) == 1
    assert "notebooks/deeper/double.ipynb is not built yet" in capsys.readouterr().err


def test_solutions_are_written_for_exercises_only_with_their_data(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "src" / "plain.py").write_text("# %%\n1")
    (folder / "data").mkdir()
    (folder / "data" / "clean.run").write_bytes(b"run")
    target = tmp_path / "solved"
    assert solve_all(target, folder) == [target / "deeper" / "double.ipynb"]
    assert (target / "data" / "clean.run").read_bytes() == b"run"
    assert not (target / "plain.ipynb").exists()


def test_solutions_do_not_go_among_the_notebooks(folder: Path) -> None:
    with pytest.raises(SourceError, match="stay out of the repository"):
        solve_all(folder / "solved", folder)


def test_student_and_solution_run_under_nbval(folder: Path, tmp_path: Path) -> None:
    result = run_nbval(*build_all(folder), *solve_all(tmp_path / "solved", folder), home=tmp_path)
    assert failure(result) == ""
    assert "8 passed" in result.stdout


def test_a_cell_that_raises_fails_the_run(folder: Path, tmp_path: Path) -> None:
    source = folder / "src" / "deeper" / "double.py"
    source.write_text(EXERCISE.replace("return 2 * number", "return 3 * number"))
    result = run_nbval(*solve_all(tmp_path / "solved", folder), home=tmp_path)
    assert "AssertionError" in failure(result)
    assert "1 failed, 3 passed" in result.stdout


def test_a_cell_that_hangs_fails_the_run_even_if_it_may_raise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nbval, "CELL_S", 2 * SECOND)
    (folder / "src" / "deeper" / "double.py").write_text(
        '# %% tags=["needs-solution"]\nimport time\ntime.sleep(600)'
    )
    result = run_nbval(*build_all(folder), home=tmp_path)
    assert result.returncode == 0
    assert "s call" in failure(result)
