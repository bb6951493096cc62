"""Every row of the benchmark, in the order of the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from labkit.bench import (
    browser,
    busy,
    codecs,
    labstart,
    latency,
    links,
    pagelink,
    panel,
    roomchurn,
    roomload,
    rooms,
)
from labkit.bench.row import Row, failed, not_run
from labkit.bench.soak import soak_row
from labkit.errors import BadValue, LabError, MissingPart
from labkit.words import _

__all__ = ["ORDER", "ROWS", "run_rows"]

Measure = Callable[[float], Awaitable[Row]]

ROWS: dict[str, Measure] = {
    "latency": latency.against_stock,
    "link": links.link_error,
    "seed": links.same_seed,
    "exact": links.exact_loss,
    "chart": panel.chart_cost,
    "panel": panel.panel_cost,
    "busy": busy.busy_cell,
    "click": panel.click_to_picture,
    "recorder": latency.recorder_cost,
    "lab": labstart.lab_start,
    "codecs": codecs.whole_comparison,
    "chirp": codecs.chirp_delay,
    "browser-click": browser.click_to_remote_picture,
    "browser-busy": browser.busy_minute,
    "room-server": rooms.server_ready,
    "room-join": rooms.join_to_frame,
    "room-hop": rooms.sfu_hop,
    "room-sdk": rooms.sdk_latency,
    "room-link": rooms.imposed_delay,
    "room-page": pagelink.bent_page,
    "room-fan-out": roomload.fan_out,
    "room-churn": roomchurn.churn,
    "room-killed": roomload.server_killed,
}
"""How each row is measured, by its key; ``soak`` is read from its dated file."""


ORDER = (*ROWS, "soak")
"""Keys of all rows, as the page lists them."""


async def run_rows(
    only: Sequence[str],
    seconds: float,
    folder: Path,
    on_row: Callable[[str], None],
    on_result: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Measure rows one after another; a row that cannot be measured says why.

    Args:
        only: Keys of rows; none for all.
        seconds: Length of each measurement in it.
        folder: The project's folder, for the dated result of ``make soak``.
        on_row: Called with the key of each row before it is measured.
        on_result: Called with each row as soon as it is measured.

    Raises:
        BadValue: A key is unknown.
    """
    for key in only:
        if key not in ORDER:
            raise BadValue(
                _("There is no row {key!r}.").format(key=key),
                next_step=_("Use: {names}.").format(names=", ".join(ORDER)),
            )
    rows = []
    for key in only or ORDER:
        on_row(key)
        rows.append(soak_row(folder) if key == "soak" else await _row(key, seconds))
        on_result(rows[-1])
    return rows


async def _row(key: str, seconds: float) -> Row:
    try:
        return await ROWS[key](seconds)
    except MissingPart as error:
        return not_run(key, key, "–", str(error))
    except LabError as error:
        return failed(key, str(error))
    except Exception as error:  # of a browser, a kernel, a page: the other rows are still wanted
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return failed(key, said)
