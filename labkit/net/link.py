"""What is wrong with a network, in one direction: plain data, checked at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from labkit.errors import BadValue
from labkit.net.checks import bad_value, flag, number, probability, whole_number
from labkit.net.loss import Exact, GilbertElliott, Iid, LossModel, loss_model_from_dict
from labkit.net.trace import Trace
from labkit.words import _

__all__ = ["Link", "Phase"]

_LOSS_MODELS: dict[str, Callable[[float], LossModel]] = {
    "iid": Iid,
    "burst": GilbertElliott.from_loss,
    "exact": Exact,
}
_FIXED = ("phases", "seed")


@dataclass(frozen=True, init=False, repr=False)
class Phase:
    """What changes on a link at a time: ``Phase(10, loss=0.05, rate_kbps=300)``.

    Args:
        at_s: Seconds after the start of the call, 0 to 86,400.
        changes: Fields of `Link` (all but ``phases`` and ``seed``) and their new values; they
            stay until a later phase changes them again.

    Raises:
        BadValue: The time is out of range, or a name is no field that can change.
    """

    at_s: float
    items: tuple[tuple[str, Any], ...]

    def __init__(self, at_s: float, **changes: Any) -> None:
        unknown = [name for name in changes if name not in _changeable()]
        if unknown:
            raise BadValue(
                _("A phase cannot change {names}.").format(names=", ".join(unknown)),
                _("It can change {names}.").format(names=", ".join(_changeable())),
            )
        object.__setattr__(self, "at_s", number("at_s", at_s, 0, 86_400, "s"))
        object.__setattr__(self, "items", tuple(sorted(changes.items())))

    @property
    def changes(self) -> dict[str, Any]:
        """The new values by field."""
        return dict(self.items)

    def __repr__(self) -> str:
        return f"Phase({', '.join([f'{self.at_s:g}', *(f'{k}={v!r}' for k, v in self.items)])})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _phase_from, (self.at_s, self.changes)


def _phase_from(at_s: float, changes: dict[str, Any]) -> Phase:
    return Phase(at_s, **changes)


@dataclass(frozen=True, repr=False)
class Link:
    """One direction of a network, bent on purpose: ``Link(delay_ms=50, loss=0.02)``.

    What happens to a datagram, in this order::

        enters ─▶ loss ─▶ duplicate ─▶ rate + queue ─▶ delay + jitter ─▶ leaves
                   │                        │
                  lost                 queue_full

    Args:
        delay_ms: Milliseconds that every datagram takes, 0 to 10,000.
        jitter_ms: Standard deviation of the delay (gaussian; the delay is never below zero),
            0 to 1,000 ms. With the order kept it raises the mean delay.
        loss: Share that is lost, 0 to 1, or a loss model of `labkit.net`.
        loss_model: How a share is lost: "iid" each datagram on its own, "burst" several in a
            row (three on average), "exact" the same number in every hundred.
        rate_kbps: What the link carries, 1 to 10,000,000 kbit/s with 28 header bytes a
            datagram; None is unlimited.
        queue_bytes: What may wait for its turn at that rate, 1,528 to 1,000,000,000 bytes;
            the rest is dropped.
        duplicate: Share that arrives twice, 0 to 1.
        reorder: False keeps the order in spite of jitter; True lets datagrams overtake each
            other, as netem does.
        trace: A `Trace` of a changing capacity, or its milliseconds, instead of a rate.
        phases: `Phase` by `Phase`, what changes while the call runs.
        seed: Chooses this link's luck; None takes it from the call's seed.

    Raises:
        BadValue: A value is outside its range; the message names the range.

    Notebook: notebooks/06-latency.ipynb
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float | LossModel = 0.0
    loss_model: Literal["iid", "burst", "exact"] = "iid"
    rate_kbps: float | None = None
    queue_bytes: int = 30_000
    duplicate: float = 0.0
    reorder: bool = False
    trace: Trace | None = None
    phases: tuple[Phase, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, value in _checked(self).items():
            object.__setattr__(self, name, value)
        self.losses()
        self._check_phases()

    def losses(self) -> LossModel:
        """Return the model that decides what is lost."""
        if isinstance(self.loss, LossModel):
            return self.loss
        return _LOSS_MODELS[self.loss_model](self.loss)

    def replace(self, **changes: Any) -> Link:
        """Return a link that differs in ``changes``.

        Raises:
            BadValue: A name is no field of a link, or a value is outside its range.
        """
        unknown = changes.keys() - {field.name for field in dataclasses.fields(self)}
        if unknown:
            raise _unknown_field(sorted(unknown))
        return dataclasses.replace(self, **changes)

    def at(self, seconds: float) -> Link:
        """Return the link as its phases have made it by ``seconds``, with those still to come."""
        later = tuple(phase for phase in self.phases if phase.at_s > seconds)
        link = self.replace(phases=())
        for phase in self.phases[: len(self.phases) - len(later)]:
            link = link.replace(**phase.changes)
        return link.replace(phases=later) if later else link

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON can hold them; ``loss`` is the mean share that is lost."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["phases"] = [{"at_s": phase.at_s, **_plain(phase.changes)} for phase in self.phases]
        return _plain(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Link:
        """Return the link that `to_dict` described.

        Args:
            values: Plain data, field by field.

        Raises:
            BadValue: A name is no field of a link, or a value is outside its range.
        """
        unknown = values.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise _unknown_field(sorted(unknown))
        phases = tuple(Phase(**_revived(phase)) for phase in values.get("phases", ()))
        return cls(**{**_revived(values), "phases": phases})

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_short(getattr(self, field.name))}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        )
        return f"Link({', '.join(shown)})"

    def _check_phases(self) -> None:
        times = [phase.at_s for phase in self.phases]
        if times != sorted(times):
            raise BadValue(
                _("The phases are not in order."),
                _("Their times are {times} s.").format(times=", ".join(f"{t:g}" for t in times)),
                _("Sort them by at_s."),
            )
        if times:
            self.at(times[-1])  # refuses at once what would fail in mid-call


def _checked(link: Link) -> dict[str, Any]:
    """Return the fields in their proper types."""
    return {
        "delay_ms": number("delay_ms", link.delay_ms, 0, 10_000, "ms"),
        "jitter_ms": number("jitter_ms", link.jitter_ms, 0, 1_000, "ms"),
        "loss": _loss(link.loss),
        # A model that was given says itself how it loses.
        "loss_model": "iid" if isinstance(link.loss, LossModel) else _loss_model(link.loss_model),
        "rate_kbps": _rate(link.rate_kbps),
        "queue_bytes": whole_number("queue_bytes", link.queue_bytes, 1_528, 10**9, _("bytes")),
        "duplicate": probability("duplicate", link.duplicate),
        "reorder": flag("reorder", link.reorder),
        "trace": _trace(link.trace, link.rate_kbps),
        "phases": _phases(link.phases),
        "seed": None if link.seed is None else whole_number("seed", link.seed, 0, 2**63 - 1),
    }


def _loss(loss: Any) -> float | LossModel:
    return loss if isinstance(loss, LossModel) else probability("loss", loss)


def _loss_model(name: Any) -> str:
    if not isinstance(name, str) or name not in _LOSS_MODELS:
        raise bad_value("loss_model", name, ", ".join(f"“{model}”" for model in _LOSS_MODELS))
    return name


def _rate(rate_kbps: Any) -> float | None:
    if rate_kbps is None:
        return None
    unlimited = _("None is unlimited (0 on the command line).")
    return number("rate_kbps", rate_kbps, 1, 1e7, "kbit/s", unlimited)


def _trace(trace: Any, rate_kbps: Any) -> Trace | None:
    if trace is None:
        return None
    if rate_kbps is not None:
        raise BadValue(
            _("A link has either a rate or a trace."),
            _("Here both are given."),
            _("Leave rate_kbps at None to follow the trace."),
        )
    return trace if isinstance(trace, Trace) else Trace(trace)


def _phases(phases: Any) -> tuple[Phase, ...]:
    phases = (phases,) if isinstance(phases, Phase) else phases
    if not isinstance(phases, Sequence) or not all(isinstance(p, Phase) for p in phases):
        raise bad_value("phases", phases, _("a list of Phase(seconds, field=value)"))
    return tuple(phases)


def _changeable() -> list[str]:
    return [name for name in Link.__dataclass_fields__ if name not in _FIXED]


def _unknown_field(names: list[str]) -> BadValue:
    return BadValue(
        _("A link has no {names}.").format(names=", ".join(names)),
        _("It has {names}.").format(names=", ".join(Link.__dataclass_fields__)),
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(values)
    loss, trace = plain.get("loss"), plain.get("trace")
    if isinstance(loss, LossModel):
        plain.update(loss=loss.mean, loss_model=loss.to_dict())
    if isinstance(trace, Trace):
        plain["trace"] = list(trace.times_ms)
    return plain


def _revived(values: Mapping[str, Any]) -> dict[str, Any]:
    revived = dict(values)
    if isinstance(revived.get("loss_model"), Mapping):
        revived["loss"] = loss_model_from_dict(revived.pop("loss_model"))
    if isinstance(revived.get("trace"), list):
        revived["trace"] = Trace(tuple(revived["trace"]))
    return revived


def _short(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else repr(value)
