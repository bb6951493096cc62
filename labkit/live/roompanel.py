"""The live panels of many: a room, where people come and go, and a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.live.outline import MeshOutline, RoomOutline
from labkit.live.panel import Panel
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.mesh import Mesh
    from labkit.experiments.rooms import Room

__all__ = ["MeshPanel", "RoomPanel"]


class RoomPanel(Panel):
    """A view of a room: what one of its participants sees, and a link up and down for each.

    It follows those who come and go, and says so.

    Args:
        room: The room.
    """

    def __init__(self, room: Room) -> None:
        super().__init__(room, RoomOutline(room.spec))

    def _hear(self, name: str, payload: Any) -> None:
        with self._lock:
            if name == "people":
                text = _("{name} has come.") if payload["there"] else _("{name} has left.")
                self._news = text.format(name=payload["name"])
                self._follow_room()
            super()._hear(name, payload)

    def _take_state(self, state: str) -> None:
        super()._take_state(state)
        if self._outline.names != self._experiment.spec.names:  # closed: visitors are forgotten
            self._follow_room()

    def _follow_room(self) -> None:
        self._follow(RoomOutline(self._experiment.spec, self._outline.latency_lines))

    def _is_silent(self, view: str) -> bool:
        there = self._experiment.spec.names  # who is about to leave need not be seen
        return set(view.split("->")) <= set(there) and super()._is_silent(view)


class MeshPanel(Panel):
    """A view of a mesh or an MCU: what one of its participants sees.

    Args:
        mesh: The mesh.
    """

    def __init__(self, mesh: Mesh) -> None:
        super().__init__(mesh, MeshOutline(mesh.spec))
