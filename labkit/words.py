"""The words that a person reads: English in the source, translated by gettext.

The language is taken from ``LAB_LANG`` (for instance ``ru``) and is English without it.
"""

from __future__ import annotations

import gettext
import os
from functools import lru_cache
from pathlib import Path

__all__ = ["_", "ngettext"]

LOCALES = Path(__file__).with_name("locales")


@lru_cache
def _catalog(language: str) -> gettext.NullTranslations:
    return gettext.translation("labkit", LOCALES, languages=[language], fallback=True)


def _(message: str) -> str:
    """Return ``message`` in the reader's language."""
    return _catalog(os.environ.get("LAB_LANG", "en")).gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form of the message that fits ``n`` things."""
    return _catalog(os.environ.get("LAB_LANG", "en")).ngettext(singular, plural, n)
