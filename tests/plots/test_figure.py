"""How a figure is shown: alt text, PNG files, and one picture a notebook cell."""

from __future__ import annotations

import base64
import html
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image

from labkit import plots
from labkit.plots import notebook
from labkit.plots.figure import Drawn, LabFigure
from labkit.run import statistics as stats
from tests.conftest import SECOND
from tests.plots.examples import clean_run


def test_the_alt_text_has_the_measured_numbers() -> None:
    figure, _ax = plots.plot_latency(clean_run())
    figures = stats.latency_ms(clean_run())
    for number in (f"p50 {figures['p50']:.1f} ms", f"p95 {figures['p95']:.1f} ms", "n = "):
        assert number in plots.alt_text(figure)
    assert plots.alt_text(Figure()) == ""


def test_a_png_file_has_the_alt_text(tmp_path: Path) -> None:
    figure, _ax = plots.plot_budget(clean_run())
    figure.savefig(tmp_path / "budget.png", dpi=40)
    with Image.open(tmp_path / "budget.png") as picture:
        assert picture.info["Description"] == plots.alt_text(figure)
    figure.savefig(tmp_path / "mine.png", dpi=40, metadata={"Description": "mine"})
    with Image.open(tmp_path / "mine.png") as picture:
        assert picture.info["Description"] == "mine"


def test_other_formats_are_saved_too(tmp_path: Path) -> None:
    plots.plot_setup(clean_run())[0].savefig(tmp_path / "setup.svg")
    assert "</svg>" in (tmp_path / "setup.svg").read_text("utf-8")


def test_a_figure_fills_a_projector() -> None:
    figure, _ax = plots.plot_latency(clean_run())
    assert tuple(figure.get_size_inches() * figure.dpi) == (1920, 1080)


def test_the_result_shows_itself_as_picture_and_words() -> None:
    result = plots.plot_setup(clean_run(), ax=LabFigure(dpi=40).add_subplot())
    assert isinstance(result, Drawn)
    figure, _ax = result
    data, metadata = result._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == (384, 216)
    assert f'alt="{html.escape(plots.alt_text(figure))}"' in data["text/html"]
    assert metadata["image/png"]["alt"] == data["text/plain"] == plots.alt_text(figure)


def test_nothing_waits_outside_a_notebook() -> None:
    plots.plot_latency(clean_run())
    assert notebook._waiting == []


def test_the_package_is_light_and_pyplot_is_never_loaded() -> None:
    code = (
        "import sys; from labkit import plots; assert 'matplotlib' not in sys.modules\n"
        "from labkit.run import Run; plots.plot_latency(Run.from_tables({}))\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60 * SECOND)


CELLS = {
    "setup": "from labkit import plots\nfrom tests.plots.examples import clean_run\n"
    "run = clean_run()",
    "last value": "plots.plot_latency(run)",
    "unpacked": "fig, ax = plots.plot_latency(run)\n_ = ax.set_title('after')",
    "both": "fig, ax = plots.plot_latency(run)\nfig",
    "two": "fig, ax = plots.plot_latency(run)\nplots.plot_budget(run)",
    "shown by hand": "fig, ax = plots.plot_latency(run)\ndisplay(fig)",
    "again": "fig",
    "pyplot": "import matplotlib.pyplot as plt\n_, mine = plt.subplots()\n"
    "plots.plot_latency(run, ax=mine)",
    "no figure": "1 + 1",
}
PICTURES = {"setup": 0, "two": 2, "no figure": 0}


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[Any]]:
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS.values()]  # type: ignore[no-untyped-call]
    book = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    root = Path(__file__).resolve().parents[2]
    client = NotebookClient(
        book, timeout=int(60 * SECOND), resources={"metadata": {"path": str(root)}}
    )
    client.execute()
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


@pytest.mark.parametrize("name", list(CELLS))
def test_a_cell_shows_each_figure_once(outputs: dict[str, list[Any]], name: str) -> None:
    pictures = [out for out in outputs[name] if "image/png" in out.get("data", {})]
    assert len(pictures) == PICTURES.get(name, 1)
    alts = [out["metadata"].get("image/png", {}).get("alt") for out in pictures]
    assert len(set(alts)) == len(alts)
    if pictures and name != "pyplot":
        assert any("p50" in str(alt) for alt in alts)


def test_a_changed_figure_is_shown_changed(outputs: dict[str, list[Any]]) -> None:
    before, after = (outputs[name][0]["data"]["image/png"] for name in ("last value", "unpacked"))
    assert before != after


def test_a_figure_of_our_own_can_be_made_by_hand() -> None:
    ax = LabFigure().add_subplot()
    assert plots.plot_latency(clean_run(), ax=ax)[0] is ax.figure
