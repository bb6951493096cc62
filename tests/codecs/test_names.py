"""The bench's names are loaded when they are used, and each is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit import codecs


def test_every_name_is_there() -> None:
    assert dir(codecs) == codecs.__all__ == sorted(codecs.__all__)
    assert all(getattr(codecs, name) is not None for name in codecs.__all__)
    with pytest.raises(AttributeError, match="compare_video"):
        codecs.nothing  # noqa: B018


def test_a_process_that_encodes_loads_no_pandas() -> None:
    code = (
        "import sys, labkit.codecs.video\n"
        "sys.exit('pandas' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
