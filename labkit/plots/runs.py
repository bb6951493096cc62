"""What a figure needs to know about its runs: their names beside each other, what was asked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from labkit.errors import BadValue
from labkit.run import Run
from labkit.run.statistics import direction
from labkit.words import _

__all__ = ["arrow", "as_runs", "asked_over_time", "link_history", "one_run", "run_names", "told"]

_DETAILS = ("loss_model", "queue_bytes")
_DESCRIBED = ("engine", "place")
"""What the line of ``labkit.run.summary.describe`` has already."""

Links = list[tuple[float, dict[str, Any]]]


def as_runs(run: Run | Iterable[Run]) -> list[Run]:
    """Return one run or several as a list.

    Raises:
        BadValue: It is something else.
    """
    runs = [run] if isinstance(run, Run) else run
    runs = list(runs) if isinstance(runs, Iterable) and not isinstance(runs, str) else [runs]
    for one in runs:
        if not isinstance(one, Run):
            raise BadValue(
                _("{value!r} is not a run.").format(value=one),
                _("A figure is drawn from a Run, or from a list of Runs."),
                _("Use what call.record(5) returns, or lab.load_run(path)."),
            )
    return runs


def one_run(run: Run | Iterable[Run]) -> Run:
    """Return the run of a figure that shows one.

    Raises:
        BadValue: It is something else, or not exactly one.
    """
    runs = as_runs(run)
    if len(runs) != 1:
        raise BadValue(
            _("This figure shows one run; here are {n}.").format(n=len(runs)),
            next_step=_("Give one of them."),
        )
    return runs[0]


def arrow(run: Run, sender: str | None = None, receiver: str | None = None) -> str:
    """Return the direction as people read it: ``alice → bob``."""
    return " → ".join(direction(run, sender, receiver))


def run_names(
    runs: list[Run],
    names: Iterable[str] | None = None,
    sender: str | None = None,
    receiver: str | None = None,
) -> list[str]:
    """Return one name a run: the direction of a single one, else what tells the runs apart.

    That is what was asked of the link, then jitter buffer, codec, engine, place and source; the
    seed where nothing else differs; the run's id where the names would be the same.

    Args:
        runs: The runs.
        names: The caller's own names.
        sender: Whose media.
        receiver: Measured where.

    Raises:
        BadValue: There are more or less names than runs.
    """
    if names is not None:
        return _given(list(names), len(runs))
    if len(runs) == 1:
        return [arrow(runs[0], sender, receiver)]
    facts = [_facts(run, sender, receiver) for run in runs]
    keys = [key for key in facts[0] if _differs(key, facts)] if runs else []
    keys = [key for key in keys if key != "seed"] or keys
    own = [", ".join(fact[key] for key in keys if fact[key]) for fact in facts]
    numbers = [str(number) for number in range(1, len(runs) + 1)]
    return _told_apart(_told_apart(own, [run.id for run in runs]), numbers)


def _differs(key: str, facts: list[dict[str, str]]) -> bool:
    values = {fact[key] for fact in facts}
    if key.endswith(_DETAILS):  # of a loss or a rate that a run may not have at all
        values -= {""}
    return len(values) > 1


def _given(names: list[str], runs: int) -> list[str]:
    if len(names) != runs:
        raise BadValue(
            _("{names} names for {runs} runs.").format(names=len(names), runs=runs),
            next_step=_("Give one name for each run, or leave names= out."),
        )
    return names


def _told_apart(names: list[str], others: list[str]) -> list[str]:
    """Return the names, with the other one added where a name is missing or not the only one."""
    return [
        name if name and names.count(name) == 1 else f"{name} ({other})" if name else other
        for name, other in zip(names, others, strict=True)
    ]


def told(run: Run, sender: str | None = None, receiver: str | None = None) -> str:
    """Return what was asked for, as a line: link, jitter buffer, codec, source, seed."""
    facts = _facts(run, sender, receiver)
    return " · ".join(text for key, text in facts.items() if text and key not in _DESCRIBED)


def _facts(run: Run, sender: str | None, receiver: str | None) -> dict[str, str]:
    asked = run.meta.get("asked") or {}
    sender, receiver = direction(run, sender, receiver)
    links = asked.get("link") or {}
    there, back = links.get(f"{sender}->{receiver}"), links.get(f"{receiver}->{sender}")
    facts = {f"link {key}": text for key, text in _link_facts(there or {}).items()}
    back_facts = _link_facts(back or {}) if back != there else dict.fromkeys(_link_facts({}), "")
    facts |= {
        f"back {key}": _("back: {what}").format(what=text) if text else ""
        for key, text in back_facts.items()
    }
    seed, engine, buffer = run.meta.get("seed"), run.meta.get("engine"), asked.get("jitter_buffer")
    return facts | {
        "engine": _text(_("engine {value}"), engine),
        # An engine with a buffer of its own has told it by its name.
        "jitter_buffer": _text(_("{value} jitter buffer"), None if buffer == engine else buffer),
        "codec": _text("{value}", asked.get("codec")),
        "place": _text(_("in the {value}"), run.meta.get("place")),
        "video": _text("{value}", asked.get("video")),
        "seed": _text(_("call seed {value}"), seed),
    }


def _link_facts(link: dict[str, Any]) -> dict[str, str]:
    rate = link.get("rate_kbps")
    no_rate = _("no rate limit") if link else ""
    return {
        "delay_ms": _text(_("delay {value:g} ms"), link.get("delay_ms")),
        "jitter_ms": _text(_("jitter {value:g} ms"), link.get("jitter_ms")),
        "loss": _text(_("loss {value:g} %"), _times_100(link.get("loss"))),
        "loss_model": _text("{value}", link.get("loss_model")) if link.get("loss") else "",
        "rate_kbps": _text(_("{value:g} kbit/s"), rate) if rate else no_rate,
        "queue_bytes": _text(_("queue {value} bytes"), link.get("queue_bytes")) if rate else "",
        "duplicate": _text(_("{value:g} % twice"), _times_100(link.get("duplicate") or None)),
        "reorder": _("reordering") if link.get("reorder") else "",
        "trace": _("capacity from a trace") if link.get("trace") else "",
        "phases": _("{n} phases").format(n=len(link["phases"])) if link.get("phases") else "",
    }


def _text(form: str, value: Any) -> str:
    return "" if value is None else form.format(value=value)


def _times_100(share: float | None) -> float | None:
    return None if share is None else share * 100


def link_history(run: Run, sender: str, receiver: str) -> Links:
    """Return what was asked of a link from each second on: at the start, by phases, by hand.

    Args:
        run: The run; a run without links gives an empty list.
        sender: Who sends into the link.
        receiver: Who gets what comes out.
    """
    way = f"{sender}->{receiver}"
    first = ((run.meta.get("asked") or {}).get("link") or {}).get(way)
    given = [] if first is None else [(0.0, first)]
    given += _changes(run, way)
    history: Links = []
    for i, (from_s, link) in enumerate(given):
        to_s = given[i + 1][0] if i + 1 < len(given) else math.inf
        history += _with_phases(from_s, to_s, link)
    return history


def _changes(run: Run, way: str) -> Links:
    changes = []
    events = run.events[run.events["name"] == "link_changed"].sort_values("at_s")
    for at_s, detail in zip(events["at_s"], events["detail"], strict=True):
        try:
            link = json.loads(detail)
        except (TypeError, ValueError):
            continue  # another lab's event: not ours to read
        if isinstance(link, dict) and link.get("direction") == way:
            changes.append((float(at_s), link))
    return changes


def _with_phases(from_s: float, to_s: float, link: dict[str, Any]) -> Links:
    """Return the link's settings from ``from_s`` to ``to_s``, a step a phase."""
    history = [(from_s, dict(link))]
    for phase in link.get("phases") or []:
        values = {**history[-1][1], **phase}
        if phase["at_s"] <= from_s:
            history[-1] = (from_s, values)
        elif phase["at_s"] < to_s:
            history.append((phase["at_s"], values))
    return history


def asked_over_time(
    history: Links, name: str, from_s: float, to_s: float
) -> tuple[list[float], list[float]]:
    """Return seconds and values of one field of a link within a window, as steps.

    Args:
        history: From ``link_history``.
        name: Field of a link: ``delay_ms``, ``loss``, ``rate_kbps`` ...
        from_s: Start of the window.
        to_s: End of the window; the last value is repeated there.
    """
    before = [link for at_s, link in history if at_s <= from_s][-1:]
    within = [(at_s, link) for at_s, link in history if from_s < at_s < to_s]
    steps = [(from_s, link) for link in before] + within
    values = [math.nan if link.get(name) is None else float(link[name]) for _at_s, link in steps]
    times = [at_s for at_s, _link in steps]
    return ([*times, to_s], [*values, values[-1]]) if steps else ([], [])
