"""What holds for every figure: one run, two, none, given axes, words for what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from labkit import plots
from labkit.errors import BadValue
from labkit.plots.figure import LabFigure
from labkit.run import Run
from tests.plots.examples import bent_run, clean_run, empty_run, unseen_run

SINGLE = [
    plots.plot_bitrate,
    plots.plot_budget,
    plots.plot_latency,
    plots.plot_latency_distribution,
    plots.plot_link,
    plots.plot_setup,
]
Plot = Callable[..., Any]
every = pytest.mark.parametrize("plot", [*SINGLE, plots.plot_overview])
single = pytest.mark.parametrize("plot", SINGLE)


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(match=_is_text) if text.get_text())


def _is_text(artist: Any) -> bool:
    return isinstance(artist, Text) and artist.get_visible()


@every
@pytest.mark.parametrize("runs", [clean_run(), (clean_run(), bent_run())])
def test_runs_are_drawn(plot: Plot, runs: Any) -> None:
    figure, _ax = plot(runs)
    figure.draw_without_rendering()
    assert plots.alt_text(figure).count(".") >= 2


@every
@pytest.mark.parametrize("runs", [empty_run(), [], [unseen_run(), empty_run()]])
def test_what_is_missing_is_said(plot: Plot, runs: Any) -> None:
    figure, _ax = plot(runs)
    figure.draw_without_rendering()
    assert any(word in words(figure) for word in ("ecord", "Give the call", "Try less loss"))
    assert "nan" not in words(figure) + plots.alt_text(figure)


def test_many_runs_in_little_room_have_room_below_and_above() -> None:
    ax = Figure(figsize=(3, 2)).add_subplot()
    plots.plot_latency([bent_run()] * 9, ax=ax)
    low, high = ax.get_ylim()
    assert low < 0 < max(bent_run().frames["latency_ms"].dropna()) < high


@single
def test_an_empty_run_beside_a_full_one(plot: Plot) -> None:
    figure, _ax = plot([clean_run(), empty_run()])
    figure.draw_without_rendering()
    assert "nan" not in words(figure) + plots.alt_text(figure)


@every
def test_given_axes_are_drawn_into(plot: Plot) -> None:
    ax = Figure().add_subplot()
    figure, _axes = plot(clean_run(), ax=ax)
    assert figure is ax.figure
    assert plots.alt_text(figure)


@single
def test_the_axes_come_back(plot: Plot) -> None:
    ax = Figure().subfigures(1, 2)[1].add_subplot()
    figure, same = plot(clean_run(), ax=ax)
    assert same is ax
    assert figure is ax.get_figure(root=True)


@single
def test_what_the_caller_set_stays(plot: Plot) -> None:
    ax = Figure().add_subplot()
    ax.set(title="mine", xlabel="x mine", ylabel="y mine", xlim=(-3, 900), ylim=(-7, 70))
    plot(clean_run(), ax=ax)
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("mine", "x mine", "y mine")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 900), (-7, 70))


@single
def test_the_title_is_the_callers(plot: Plot) -> None:
    _figure, ax = plot(clean_run(), title="A title")
    assert ax.get_title() == "A title"
    assert plot(clean_run(), title="")[1].get_title() == ""


@pytest.mark.parametrize(
    ("plot", "x", "y"),
    [
        (plots.plot_bitrate, "(s)", "(kbit/s)"),
        (plots.plot_budget, "(ms)", ""),
        (plots.plot_latency, "(s)", "(ms)"),
        (plots.plot_latency_distribution, "(ms)", ""),
        (plots.plot_setup, "(ms)", ""),
    ],
)
def test_labels_have_units(plot: Plot, x: str, y: str) -> None:
    _figure, ax = plot(clean_run())
    assert ax.get_title()
    assert ax.get_xlabel().endswith(x)
    assert ax.get_ylabel().endswith(y)


@every
@pytest.mark.parametrize("wrong", ["a.run", 5, [clean_run(), None]])
def test_what_is_no_run_is_refused(plot: Plot, wrong: Any) -> None:
    with pytest.raises(BadValue, match=r"is not a run\. .* lab\.load_run"):
        plot(wrong)


@every
def test_names_are_the_callers(plot: Plot) -> None:
    figure, _ax = plot([clean_run(), bent_run()], names=["first name", "second name"])
    assert "first name" in words(figure).replace("\n", " ")
    assert "second name" in words(figure).replace("\n", " ")
    with pytest.raises(BadValue, match="1 names for 2 runs"):
        plot([clean_run(), bent_run()], names=["alone"])


@every
def test_letters_can_be_read_from_the_last_row(plot: Plot) -> None:
    figure, _ax = plot([clean_run(), bent_run()])
    sizes = {t.get_text(): t.get_fontsize() for t in figure.findobj(_is_text) if t.get_text()}
    assert {text: size for text, size in sizes.items() if size < 12} == {}
    assert isinstance(figure, LabFigure)


@pytest.mark.parametrize("plot", [plots.plot_bitrate, plots.plot_latency])
def test_series_differ_in_more_than_colour(plot: Callable[..., tuple[Figure, Axes]]) -> None:
    drawn = [line for line in plot(clean_run())[1].get_lines() if len(line.get_xdata()) > 1]  # type: ignore[arg-type]
    looks = [(line.get_linestyle(), line.get_marker()) for line in drawn]
    assert len(set(looks)) == len(looks)


def test_keywords_are_for_the_lines() -> None:
    line = plots.plot_latency(clean_run(), c="red", lw=7)[1].get_lines()[0]
    assert (line.get_color(), line.get_linewidth()) == ("red", 7)
    bars = plots.plot_budget(clean_run(), ec="red")[1].patches
    assert {bar.get_edgecolor() for bar in bars} == {(1.0, 0.0, 0.0, 1)}


def test_the_names_of_the_package() -> None:
    assert dir(plots) == plots.__all__ == sorted(plots.__all__)
    assert all(callable(getattr(plots, name)) for name in plots.__all__)
    with pytest.raises(AttributeError, match="plot_latency"):
        plots.plot_nothing  # noqa: B018


def test_other_engines_tell_less(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {name: clean_run().table(name) for name in ("tracks", "peers", "frames")}
    frames = tables.pop("frames").assign(encoded_s=float("nan"), released_s=float("nan"))
    run = Run.from_tables(clean_run().meta, frames=frames, **tables)
    figure, ax = plots.plot_budget(run)
    assert "buffer" not in plots.alt_text(figure)
    assert ax.patches
