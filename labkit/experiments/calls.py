"""A call between two peers on this machine, as a notebook or the command line holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.experiments.experiment import Experiment
from labkit.experiments.spec import CallSpec, link_pair

if TYPE_CHECKING:
    from labkit.live.panel import CallPanel

__all__ = ["Call", "call"]


class Call(Experiment[CallSpec]):
    """Two peers joined by a Link each way; an async context manager.

    Made by ``lab.call(...)``. ``await call.start()`` and ``await call.close()`` do what
    ``async with`` does, for a call that outlives its cell.
    """

    def __repr__(self) -> str:
        first, second = self.spec.names
        return (
            f"<Call {first} ⇄ {second}, {self.state}, {self.spec.place}, "
            f"{first}→{second} {self.spec.forward!r}, seed {self.spec.seed}>"
        )

    def show(self) -> CallPanel:
        """Return the live panel: both pictures, charts, sliders, start and stop."""
        from labkit.live.panel import CallPanel

        return self._shown_in(CallPanel)


def call(
    *,
    video: Any = None,
    audio: Any = None,
    back_video: Any = None,
    back_audio: Any = None,
    link: Any = None,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    engine: str = "labkit",
    signaling: str = "memory",
    place: str = "worker",
    seed: int = 1,
) -> Call:
    """Make a call from alice to bob on this machine; nothing starts before it is asked to.

    Args:
        video: Source from alice to bob; a ``TestPattern`` when no source at all is given.
        audio: Audio source from alice to bob.
        back_video: Source from bob to alice.
        back_audio: Audio source from bob to alice.
        link: One ``Link`` for both directions, or a pair (there, back); each direction has
            random streams of its own.
        codec: ``vp8`` or ``h264``.
        jitter_buffer: ``marker`` (a frame is complete on its marker bit), ``stock`` (aiortc's
            own), or a class with a method ``add(packet)``, also one written in a cell.
        engine: ``labkit``.
        signaling: ``memory``.
        place: ``worker`` (a process of its own) or ``kernel`` (a thread beside the cells).
        seed: Seed of every random stream of the call.

    Raises:
        BadValue: An argument is not allowed.

    Notebook: notebooks/00-start.ipynb
    """
    if all(source is None for source in (video, audio, back_video, back_audio)):
        from labkit.media import TestPattern

        video = TestPattern()
    forward, back = link_pair(link)
    return Call(
        CallSpec(
            video=video,
            audio=audio,
            back_video=back_video,
            back_audio=back_audio,
            forward=forward,
            back=back,
            codec=codec,
            jitter_buffer=jitter_buffer,
            engine=engine,
            signaling=signaling,
            place=place,
            seed=seed,
        )
    )
