"""What is open in this kernel: a call whose variable was overwritten can still be closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.experiments.loop import on_lab_loop
from labkit.experiments.spare import spare
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.experiment import Experiment
    from labkit.experiments.lifecycle import Lifecycle

__all__ = ["Opened", "close_all", "opened"]


class Opened:
    """Experiments that have been started and not been closed; use the one ``opened``."""

    def __init__(self) -> None:
        self._all: list[Any] = []

    def add(self, experiment: Lifecycle[Any]) -> None:
        """Note that an experiment opens its processes."""
        if experiment not in self._all:
            self._all.append(experiment)

    def discard(self, experiment: Lifecycle[Any]) -> None:
        """Note that an experiment has closed them."""
        if experiment in self._all:
            self._all.remove(experiment)

    def all(self) -> list[Experiment[Any]]:
        """Return what is open, the oldest first."""
        return list(self._all)

    def beside(self, experiment: Lifecycle[Any]) -> str:
        """Return a sentence about another one that was left running, or nothing.

        What runs within ``async with`` ends on its own and is meant to be there.
        """
        left = [other for other in self._all if other is not experiment and other.outlives]
        if not left:
            return ""
        return _(
            "{what} is still running beside it and takes computing time: “await lab.close_all()” "
            "closes everything."
        ).format(what=repr(left[0]))


opened = Opened()


async def close_all() -> int:
    """Close every call, mesh and room of this kernel, also those that no variable holds any more.

    Returns:
        How many there were.
    """
    there = await on_lab_loop(_all())
    for experiment in there:
        await experiment.close()
    await on_lab_loop(spare.clear())
    return len(there)


async def _all() -> list[Experiment[Any]]:
    return opened.all()
