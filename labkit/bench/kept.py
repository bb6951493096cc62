"""Rows that were measured, each with its date and machine, kept beside the page that shows them.

A whole benchmark takes long and wants a quiet machine. So a row can be measured again alone, and
the others stay as they were, with their own dates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.bench.row import Row
from labkit.errors import BadValue
from labkit.words import _

__all__ = ["Kept", "keep", "kept_beside"]


@dataclass(frozen=True)
class Kept:
    """A row, and when, where and how long it was measured."""

    row: Row
    machine: dict[str, Any]
    "As ``about_machine`` has it."
    seconds: float
    "Length of a measurement."


def kept_beside(page: Path) -> list[Kept]:
    """Return the rows that are kept beside a page; none where there is no such file.

    Raises:
        BadValue: The file beside it cannot be read.
    """
    beside = _beside(page)
    if not beside.exists():
        return []
    try:
        told = json.loads(beside.read_text(encoding="utf-8"))
        return [Kept(Row(**one["row"]), one["machine"], one["seconds"]) for one in told]
    except (ValueError, TypeError, KeyError) as error:
        raise BadValue(
            _("{path} does not hold rows of a benchmark.").format(path=beside),
            str(error),
            _("Remove it, and measure anew."),
        ) from None


def keep(page: Path, new: Kept, order: Sequence[str]) -> list[Kept]:
    """Put a row into the file beside a page, in place of the older one; return all of them.

    Args:
        page: The page, for instance ``docs/benchmarks.md``; the file is its ``.json`` brother.
        new: The row; its figures in detail are not kept.
        order: Keys of rows as the page lists them; rows with other keys are dropped.
    """
    lean = replace(new, row=replace(new.row, figures={}))
    by_key = {one.row.key: one for one in (*kept_beside(page), lean)}
    kept = [by_key[key] for key in order if key in by_key]
    _beside(page).write_text(_as_json(kept), encoding="utf-8")
    return kept


def _as_json(kept: Iterable[Kept]) -> str:
    told = [{"row": k.row.to_dict(), "machine": k.machine, "seconds": k.seconds} for k in kept]
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _beside(page: Path) -> Path:
    return page.with_suffix(".json")
