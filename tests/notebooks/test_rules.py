"""Each rule of a chapter is kept by the good one and found in a bad one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output

from tools.notebook_rules import notebook_lines, problems, uses
from tools.notebooks import build

GOOD = """\
# %% [markdown]
# # Latency
# **You will** follow one frame. See [RFC 3550](https://www.rfc-editor.org/rfc/rfc3550).

# %%
import labkit as lab

# %% [markdown]
# ## Predict
# ## Run it, be surprised
# ## Change one thing
# ## Control questions
# ## Food for thought
# ## Troubleshooting
# ## Clean up
# ## Next
"""


@pytest.fixture
def chapter() -> NotebookNode:
    return build(GOOD, "good")


def broken(chapter: NotebookNode, *, core: bool = True) -> str:
    return "\n".join(problems(chapter, Path(__file__), core=core))


def edit(number: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(chapter: NotebookNode) -> None:
        chapter.cells[number].source = chapter.cells[number].source.replace(old, new)

    return change


def test_a_good_chapter_has_no_problems(chapter: NotebookNode) -> None:
    assert broken(chapter) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(0, "# Latency", "Latency"), "title"),
        (edit(0, "**You will**", "You may"), "You will"),
        (edit(1, "labkit as lab", "math"), "import labkit as lab"),
        (edit(2, "## Troubleshooting\n", ""), "“## Troubleshooting”"),
        (edit(2, "## Predict\n## Run it, be surprised", "## Run it\n## Predict"), "order"),
        (edit(1, "lab", "lab\na\nb\nc\nd\ne\nf\n"), "too few"),
        (edit(1, "lab", "lab" + "\na" * 30), "at most"),
        (edit(1, "lab", "lab  ### BEGIN SOLUTION"), "shows a solution"),
        (edit(1, "lab", "lab\nget('https://example.net/')"), "example.net"),
        (edit(0, "[RFC 3550]", "[]"), "no words"),
        (edit(0, "[RFC 3550]", "![ ]"), "the picture"),
        (edit(0, "www.rfc-editor.org", "example.net"), "leads to example.net"),
        (edit(0, "https://www.rfc-editor.org/rfc/rfc3550", "nowhere.ipynb"), "is not there"),
        (edit(0, "See", "https://www.w3.org/"), "bare"),
        (lambda chapter: chapter.cells[1].update(execution_count=3), "has outputs"),
        (lambda chapter: chapter.cells[1].outputs.append(new_output("stream")), "has outputs"),
        (lambda chapter: chapter.cells[1].metadata.update(trusted=True), "trusted"),
        (lambda chapter: chapter.cells[2].metadata.update(collapsed=True), "collapsed"),
        (lambda chapter: chapter.metadata.update(widgets={}), "widgets"),
        (lambda chapter: chapter.cells[0].update(attachments={"a": {}}), "attachments"),
        (lambda chapter: chapter.cells[2].update(source=" "), "is empty"),
    ],
)
def test_a_broken_rule_is_named(
    chapter: NotebookNode, change: Callable[[NotebookNode], None], message: str
) -> None:
    change(chapter)
    assert message in broken(chapter)


def test_what_goes_deeper_needs_less(chapter: NotebookNode) -> None:
    edit(2, "## Change one thing\n## Control questions\n", "")(chapter)
    assert "Control questions" in broken(chapter)
    assert broken(chapter, core=False) == ""


def test_notebook_lines_are_found_and_looked_up(tmp_path: Path, chapter: NotebookNode) -> None:
    (tmp_path / "plots.py").write_text(
        'def plot(run):\n    """Draw.\n\n    Notebook: a.ipynb\n    """'
    )
    assert notebook_lines(tmp_path) == [("plot", "a.ipynb")]
    assert not uses(chapter, "plot")
    edit(1, "lab", "lab\nplot(run)")(chapter)
    assert uses(chapter, "plot")
