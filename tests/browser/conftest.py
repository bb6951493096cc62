from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.bench.jupyter import JupyterLab, NotebookPage, jupyter_lab
from tests.browser.panel import helpers
from tests.chromium import browser
from tests.timing import SECOND

__all__ = ["browser"]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    with jupyter_lab(tmp_path_factory.mktemp("lab"), within_s=60 * SECOND) as running:
        yield running


@pytest.fixture
def notebook(lab: JupyterLab, browser: Any, tmp_path: Path) -> Iterator[NotebookPage]:
    """An empty page; what it looked like in the end is kept when pytest keeps the folder."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    opened = NotebookPage(lab, page, second_s=SECOND)
    try:
        yield opened
    finally:
        page.screenshot(path=tmp_path / "end.png")
        page.close()
        left = helpers(lab)
        for kernel in lab.ask("kernels"):
            lab.ask(f"kernels/{kernel['id']}", "DELETE", timeout=20 * SECOND)
    assert psutil.wait_procs(left, timeout=5 * SECOND)[1] == []  # they end with their kernel
    assert opened.complaints == []
    assert opened.outside() == []
