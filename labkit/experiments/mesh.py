"""Calls of more than two, without a server of others: a mesh, and an MCU of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.experiments.experiment import Experiment
from labkit.experiments.meshspec import MCU, MeshSpec, links_for, names_for

if TYPE_CHECKING:
    from labkit.live.roompanel import MeshPanel

__all__ = ["Mesh", "mcu", "mesh"]


class Mesh(Experiment[MeshSpec]):
    """N participants who all see each other; an async context manager.

    Made by ``lab.mesh(...)`` or ``lab.mcu(...)``; ``run = await mesh.record(5)`` gives a Run in
    which every participant's track has a row for every frame and receiver.
    """

    def __repr__(self) -> str:
        spec = self.spec
        return (
            f"<Mesh {spec.topology} of {len(spec.names)}: {', '.join(spec.names)}, "
            f"{len(spec.connections)} connections, {self._told_state()}, {spec.place}, "
            f"seed {spec.seed}>"
        )

    def show(self) -> MeshPanel:
        """Return the live panel: what one participant sees, charts, the links."""
        from labkit.live.roompanel import MeshPanel

        return self._shown_in(MeshPanel)


def mesh(
    n: int = 3,
    *,
    video: Any = None,
    link: Any = None,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    place: str = "worker",
    seed: int = 1,
) -> Mesh:
    """Connect ``n`` participants, each to each other: N(N - 1)/2 calls that share N cameras.

    Each participant captures once, and encodes once for every other one: in aiortc as in
    browsers an encoder belongs to one connection. All of them live in one process, so that the
    machine is full early; ``loop_lag_ms`` and ``cpu_percent`` in ``run.samples`` say when.

    Args:
        n: How many, 2 to 9: alice, bob, carol, dave, erin, frank, grace, heidi, ivan.
        video: The source of every participant; a ``TestPattern(320, 180, fps=15)`` without it.
        link: One ``Link`` for all directions, or a dict of them by direction (``alice->bob``).
        codec: ``vp8`` or ``h264``.
        jitter_buffer: As for ``lab.call``.
        place: ``worker`` (a process of its own) or ``kernel`` (a thread beside the cells).
        seed: Seed of every random stream.

    Raises:
        BadValue: An argument is not allowed.
    """
    return _make("mesh", n, video, link, codec, jitter_buffer, place, seed)


def mcu(
    n: int = 3,
    *,
    video: Any = None,
    link: Any = None,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    place: str = "worker",
    seed: int = 1,
) -> Mesh:
    """Connect ``n`` participants to a mixer (MCU): one picture up, one mosaic down.

    The mixer ``mcu`` decodes everybody, draws the newest picture of each at every tick of its
    own clock, encodes the mosaic *once*
    and sends the same to all: everybody sees themselves too, and the slowest link decides the
    bitrate for all. Its clock is a little faster than the cameras', so that pictures wait for
    anything from nothing to a tick, half of one on average. It lives in the process of the
    participants. A mosaic has room for four pictures in full size; more are made smaller.

    Args:
        n: How many, 2 to 9; see ``mesh``.
        video: The source of every participant; a ``TestPattern(320, 180, fps=15)`` without it.
        link: One ``Link`` for all directions, or a dict of them (``alice->mcu``, ``mcu->alice``).
        codec: ``vp8`` or ``h264``.
        jitter_buffer: As for ``lab.call``.
        place: ``worker`` or ``kernel``.
        seed: Seed of every random stream.

    Raises:
        BadValue: An argument is not allowed.
    """
    return _make(MCU, n, video, link, codec, jitter_buffer, place, seed)


def _make(
    topology: str,
    n: int,
    video: Any,
    link: Any,
    codec: str,
    jitter_buffer: str | type[Any],
    place: str,
    seed: int,
) -> Mesh:
    if video is None:
        from labkit.media import TestPattern

        video = TestPattern(320, 180, fps=15)
    spec = MeshSpec(
        names_for(n),
        topology,
        video,
        codec=codec,
        jitter_buffer=jitter_buffer,
        place=place,
        seed=seed,
    )
    return Mesh(spec.with_links(links_for(spec.directions, link)))
