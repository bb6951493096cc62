"""What an interruption did: who named it, who came back, and how long the pictures were away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from labkit.errors import BadValue
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run.run import Run

__all__ = ["arrivals", "interruptions"]

NAMING = ("reconnecting", "disconnected", "server_gone")
BACK = ("reconnected",)


def interruptions(run: Run, receiver: str, mark: str) -> pd.DataFrame:
    """Return a row for each marked moment of a run: what happened until the next one.

    Args:
        run: A run with events of this name.
        receiver: Whose pictures count.
        mark: Name of the event that begins an interruption; its detail says which.

    Returns:
        Columns: ``what``, ``at_s``, ``named_after_ms`` (the first event of anybody that says
        so), ``back_after_ms`` (the receiver's own *reconnected*), ``longest_gap_ms`` (the longest
        time without a picture that ended then). NaN where there was none.

    Raises:
        BadValue: The run has no such event.

    Notebook: notebooks/deeper/09-reconnection.ipynb
    """
    # A recording brings the events of the set-up along, and of what was recorded before.
    began_s = run.meta.get("recorded_from_s", 0.0)
    recorded = run.events[run.events["at_s"] >= began_s]
    marks = recorded[recorded["name"] == mark].sort_values("at_s")
    if marks.empty:
        raise BadValue(_("This run has no event “{name}”.").format(name=mark))
    times = arrivals(run, receiver)
    ends = [*marks["at_s"].iloc[1:], np.inf]
    rows = []
    for row, end_s in zip(marks.itertuples(), ends, strict=True):
        within = run.events[(run.events["at_s"] >= row.at_s) & (run.events["at_s"] < end_s)]
        own = within[within["peer"] == receiver]
        rows.append(
            {
                "what": row.detail,
                "at_s": row.at_s,
                "named_after_ms": _after_ms(within, NAMING, row.at_s),
                "back_after_ms": _after_ms(own, BACK, row.at_s),
                "longest_gap_ms": _longest_gap_ms(times, row.at_s, end_s),
            }
        )
    return pd.DataFrame(rows)


def arrivals(run: Run, receiver: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the seconds at which a receiver got a picture, in order.

    Args:
        run: The run.
        receiver: Who received.
    """
    own = run.frames[run.frames["receiver"] == receiver]["decoded_s"].dropna()
    return np.sort(own.to_numpy(dtype=np.float64))


def _after_ms(events: pd.DataFrame, names: tuple[str, ...], since_s: float) -> float:
    found = events.loc[events["name"].isin(names), "at_s"]
    return float("nan") if found.empty else float(found.min() - since_s) * 1000


def _longest_gap_ms(
    times: np.ndarray[tuple[int], np.dtype[np.float64]], from_s: float, to_s: float
) -> float:
    """Return the longest time between two pictures that ends within a window; NaN without any."""
    gaps, ends_s = np.diff(times), times[1:]
    within = (ends_s > from_s) & (ends_s <= to_s)
    return float(gaps[within].max()) * 1000 if within.any() else float("nan")
