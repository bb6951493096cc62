"""Make the README's picture: the first notebook after Run All, with a call that is being bent.

``python tools/picture.py docs/panel.png`` starts JupyterLab and Chromium on a copy of the
notebooks, runs ``00-start`` from top to bottom, presses Start in its panel, bends the link, and
photographs the page.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from labkit.bench.jupyter import NotebookPage, chromium, jupyter_lab

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WIDTH, HEIGHT = 1600, 1250
STEPS = 8
"""Steps of the delay slider: 80 ms."""


def main(target: Path) -> None:
    """Photograph a panel that has run for some seconds, with a link that was bent meanwhile."""
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(Path(folder)) as lab:
        shutil.copytree(NOTEBOOKS, folder, dirs_exist_ok=True)
        with chromium() as browser:
            page = NotebookPage(lab, browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}))
            page.open("00-start.ipynb")
            page.run_all()
            last = page.page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt")
            last.filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=180_000)
            _bend(page)
            page.page.screenshot(path=str(target))
            page.panel.locator(".lab-stop").click()
            page.page.wait_for_timeout(2_000)


def _bend(page: NotebookPage) -> None:
    page.panel.scroll_into_view_if_needed()
    page.panel.locator(".lab-start").click()
    page.page.wait_for_timeout(12_000)
    delay = page.panel.locator("input[data-field=delay_ms]")
    delay.focus()
    for _step in range(STEPS):
        delay.press("ArrowRight")
    page.page.wait_for_timeout(12_000)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/panel.png"))
