"""One row of the benchmark: what was measured, how far it should reach, and whether it does."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Row", "failed", "not_run"]


@dataclass(frozen=True)
class Row:
    """A benchmark's result; everything in it was measured in this run, or says why not."""

    key: str
    "Short name, for ``labkit bench --only``."
    what: str
    reach: str
    measured: str
    met: bool | None
    "None where it was not measured."
    note: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


def not_run(key: str, what: str, reach: str, why: str) -> Row:
    """Return a row that says why it was not measured."""
    return Row(key, what, reach, "not run", None, why)


def failed(key: str, why: str) -> Row:
    """Return a row whose measurement broke; a bench with one of them has failed."""
    return Row(key, key, "–", "failed", None, why)
