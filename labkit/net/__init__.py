"""The network between two peers: `Link` and its models (pure), and the relay that applies them."""

from __future__ import annotations

from labkit.net.link import Link, Phase
from labkit.net.loss import Exact, GilbertElliott, Iid, LossModel
from labkit.net.trace import Trace

__all__ = ["Exact", "GilbertElliott", "Iid", "Link", "LossModel", "Phase", "Trace"]
