"""A Run in figures: the object of ``labkit call --json``, and the few lines of its ``repr``."""

from __future__ import annotations

import html
import json
import math
from typing import Any

from labkit.run import statistics
from labkit.run.run import Run
from labkit.words import _

__all__ = ["describe", "describe_html", "summary"]

_SHARES = ("loss_asked", "loss_achieved", "unreadable_share")


def summary(run: Run, sender: str | None = None, receiver: str | None = None) -> dict[str, Any]:
    """Return a Run in figures; what is missing is None. ``labkit.run.statistics`` defines each.

    Args:
        run: The run.
        sender: Whose media; by default as the run says, else alice.
        receiver: Measured where; by default as the run says, else bob.
    """
    sender, receiver = statistics.direction(run, sender, receiver)
    figures = {**_about(run), **_figures(run, sender, receiver)}
    if statistics.counted_frames(run, receiver, sender).shape[0]:
        figures["back"] = _figures(run, receiver, sender)
    tidy: dict[str, Any] = _tidy(figures)
    return tidy


def _about(run: Run) -> dict[str, Any]:
    meta = run.meta
    from_s, to_s = statistics.window(run)
    told = {key: meta.get(key) for key in ("created", "seed", "engine", "place")}
    return {
        "run_id": run.id,
        "digest": run.digest,
        "complete": run.complete,
        **told,
        "recorded_s": to_s - from_s,
        "settle_s": statistics.settle_s(run),
        "versions": meta.get("versions") or {},
    }


def _figures(run: Run, sender: str, receiver: str) -> dict[str, Any]:
    figures = _of_the_media(run, sender, receiver)
    hops = statistics.hops(run, sender, receiver)
    if len(hops) > 1:  # each has a link of its own
        figures["hops"] = {f"{one}->{other}": _of_the_wire(run, one, other) for one, other in hops}
    return figures


def _of_the_wire(run: Run, sender: str, receiver: str) -> dict[str, Any]:
    way = (run, sender, receiver)
    return {
        "bitrate_kbps": statistics.bitrate_kbps(*way),
        "loss_asked": statistics.loss_asked(*way),
        "loss_achieved": statistics.loss_achieved(*way),
        "queue_drops": statistics.queue_drops(*way),
        "datagrams": statistics.datagrams(*way),
        "link_error_ms": statistics.link_error_ms(*way),
    }


def _of_the_media(run: Run, sender: str, receiver: str) -> dict[str, Any]:
    way = (run, sender, receiver)
    intervals = statistics.percentiles(statistics.displayed_intervals_ms(*way))
    return {
        "sender": sender,
        "receiver": receiver,
        "latency_ms": statistics.latency_ms(*way),
        "budget_ms": statistics.budget_ms(*way),
        "frames": statistics.frame_counts(*way),
        "unreadable_share": statistics.unreadable_share(*way),
        "freezes": statistics.freezes(*way),
        "displayed_interval_ms": {key: intervals[key] for key in ("n", "p50", "p95")},
        "jitter_ms": statistics.jitter_ms(*way),
        **_of_the_wire(*way),
        "link_changes": int((run.events["name"] == "link_changed").sum()),
        "setup_ms": statistics.setup_ms(*way),
    }


def _tidy(value: Any, name: str = "") -> Any:
    """Round to what is meant: 3 decimals, 5 for shares; NaN and infinity become None."""
    if isinstance(value, dict):
        return {key: _tidy(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(item) for item in value]
    if not isinstance(value, float):
        return value
    return round(value, 5 if name in _SHARES else 3) + 0.0 if math.isfinite(value) else None


def describe(run: Run) -> list[str]:
    """Return the lines that a student wants to see first."""
    figures = summary(run)
    lines = [
        _("Run {id}: {what}").format(id=run.id, what=_what(run, figures)),
        _("latency {latency}").format(latency=_latency(figures)),
        *_bitrates(figures),
        _("frames {sent} sent, {shown} shown, {unreadable} unreadable, {lost} lost").format(
            **figures["frames"]
        ),
    ]
    closed_by = run.meta.get("closed_by")
    if closed_by not in (None, "the call"):
        lines.append(_("ended early, by {what}").format(what=closed_by))
    if lost := _lost(run):
        lines.append(_("connection lost: {whose}").format(whose=", ".join(lost)))
    if run.meta.get("missing_rows"):
        lines.append(
            _("{count} rows did not reach the recorder in time: they look like loss").format(
                count=run.meta["missing_rows"]
            )
        )
    if not run.complete:
        lines.append(_("not complete: the recording was cut short"))
    return lines


def _lost(run: Run) -> list[str]:
    """Return whose connections ended on their own and when; both ends of one may have told."""
    told: dict[frozenset[str], str] = {}
    for event in run.events[run.events["name"] == "connection_lost"].itertuples():
        ends = sorted((event.peer, json.loads(str(event.detail))["to"]))
        at = _("{ends} at {second:.1f} s").format(ends=" – ".join(ends), second=event.at_s)
        told.setdefault(frozenset(ends), at)
    return list(told.values())


def describe_html(run: Run) -> str:
    """Return the same lines for a notebook."""
    first, *others = (html.escape(line) for line in describe(run))
    items = "".join(f"<li>{line}</li>" for line in others)
    return f'<div class="labkit-run"><strong>{first}</strong><ul>{items}</ul></div>'


def _what(run: Run, figures: dict[str, Any]) -> str:
    homes = sorted(
        {
            f"{engine} ({place})"
            for engine, place in zip(run.peers["engine"], run.peers["place"], strict=True)
            if isinstance(engine, str) and isinstance(place, str)
        }
    )
    parts = [
        _with_unit(figures["recorded_s"], _("s")),
        f"{figures['sender']} → {figures['receiver']}",
        *homes,
    ]
    return ", ".join(parts)


def _bitrates(figures: dict[str, Any]) -> list[str]:
    """Return a line for the way, or one for each hop of it."""
    if "hops" not in figures:
        return [_("bitrate {bitrate}, loss {loss}").format(**_rate_and_loss(figures))]
    return [
        _("{way}: bitrate {bitrate}, loss {loss}").format(
            way=way.replace("->", " → "), **_rate_and_loss(hop)
        )
        for way, hop in figures["hops"].items()
    ]


def _rate_and_loss(figures: dict[str, Any]) -> dict[str, str]:
    rate = _with_unit(figures["bitrate_kbps"], _("kbit/s"))
    return {"bitrate": rate, "loss": _loss(figures)}


def _latency(figures: dict[str, Any]) -> str:
    latency = figures["latency_ms"]
    if not latency["n"]:
        return _("not measured (no frame was shown)")
    return _("p50 {p50:.1f} ms, p95 {p95:.1f} ms (n = {n})").format(**latency)


def _loss(figures: dict[str, Any]) -> str:
    return _("asked {asked}, achieved {achieved}").format(
        asked=_percent(figures["loss_asked"]), achieved=_percent(figures["loss_achieved"])
    )


def _percent(share: Any) -> str:
    return f"{share * 100:.2f} %" if isinstance(share, int | float) else _("unknown")


def _with_unit(value: float | None, unit: str) -> str:
    return _("unknown") if value is None else f"{value:.1f} {unit}"
