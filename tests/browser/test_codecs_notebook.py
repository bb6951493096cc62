"""Chapter 02 from top to bottom, with its figures and its sounds."""

from __future__ import annotations

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.chapter import run_chapter
from tests.browser.test_panel import keep

pytestmark = [pytest.mark.browser, pytest.mark.later]

SOUNDS = """all => Promise.all(all.map(audio => new Promise(done => {
    const tell = () => done([audio.duration, audio.error?.message ?? null]);
    if (audio.readyState > 0 || audio.error) tell();
    audio.addEventListener("loadedmetadata", tell);
    audio.addEventListener("error", tell);
    audio.load();
})))"""

FIGURES = "all => all.map(image => [image.complete, image.naturalWidth, image.naturalHeight])"


def test_run_all_of_the_codecs(notebook: NotebookPage) -> None:
    run_chapter(notebook, "02-codecs.ipynb")
    figures = notebook.page.locator(".jp-OutputArea-output img")
    sizes = figures.evaluate_all(FIGURES)
    assert len(sizes) >= 10
    assert all(complete and min(width, height) > 100 for complete, width, height in sizes)
    sounds = notebook.page.locator(".jp-OutputArea-output audio").evaluate_all(SOUNDS)
    assert len(sounds) >= 9
    for duration_s, error in sounds:
        assert error is None
        assert 1 < duration_s < 20
    for number in range(len(sizes)):
        figures.nth(number).scroll_into_view_if_needed()
        keep(notebook, f"codecs-{number:02}")
    notebook.page.locator(".jp-OutputArea-output audio").first.scroll_into_view_if_needed()
    keep(notebook, "codecs-sound")
