"""One figure per function, from a Run and nothing else: ``fig, ax = plot_latency(run)``.

Each function takes a Run or several, draws into ``ax`` if it is given, and returns the axes'
figure and the axes. In a notebook a new figure is shown once, at the end of its cell. The
functions are loaded when they are first used: ``import labkit.plots`` needs no matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.lazy import load_names

if TYPE_CHECKING:
    from labkit.plots.bitrate import plot_bitrate
    from labkit.plots.broadcast import plot_broadcast
    from labkit.plots.budget import plot_budget
    from labkit.plots.capture import plot_capture_intervals, plot_media_cost
    from labkit.plots.codecs import plot_encode_time, plot_frame_sizes, plot_rate_distortion
    from labkit.plots.distribution import plot_latency_distribution
    from labkit.plots.encoders import plot_encoder_delay, plot_shapes
    from labkit.plots.engines import plot_engines
    from labkit.plots.figure import alt_text
    from labkit.plots.gaps import plot_gaps
    from labkit.plots.growing import growing_figure
    from labkit.plots.latency import plot_latency
    from labkit.plots.layers import plot_layers
    from labkit.plots.link import plot_link
    from labkit.plots.messages import plot_messages
    from labkit.plots.overview import plot_overview
    from labkit.plots.packettime import plot_packet_times
    from labkit.plots.pictures import plot_pictures
    from labkit.plots.planes import plot_planes
    from labkit.plots.setup import plot_setup
    from labkit.plots.sound import plot_spectrogram, plot_spectrograms, plot_waveforms
    from labkit.plots.topology import plot_topologies

_HOMES = {
    "alt_text": ".figure",
    "growing_figure": ".growing",
    "plot_bitrate": ".bitrate",
    "plot_broadcast": ".broadcast",
    "plot_budget": ".budget",
    "plot_capture_intervals": ".capture",
    "plot_encode_time": ".codecs",
    "plot_encoder_delay": ".encoders",
    "plot_engines": ".engines",
    "plot_frame_sizes": ".codecs",
    "plot_gaps": ".gaps",
    "plot_latency": ".latency",
    "plot_latency_distribution": ".distribution",
    "plot_layers": ".layers",
    "plot_link": ".link",
    "plot_media_cost": ".capture",
    "plot_messages": ".messages",
    "plot_overview": ".overview",
    "plot_packet_times": ".packettime",
    "plot_pictures": ".pictures",
    "plot_planes": ".planes",
    "plot_rate_distortion": ".codecs",
    "plot_setup": ".setup",
    "plot_shapes": ".encoders",
    "plot_spectrogram": ".sound",
    "plot_spectrograms": ".sound",
    "plot_topologies": ".topology",
    "plot_waveforms": ".sound",
}

__all__ = [
    "alt_text",
    "growing_figure",
    "plot_bitrate",
    "plot_broadcast",
    "plot_budget",
    "plot_capture_intervals",
    "plot_encode_time",
    "plot_encoder_delay",
    "plot_engines",
    "plot_frame_sizes",
    "plot_gaps",
    "plot_latency",
    "plot_latency_distribution",
    "plot_layers",
    "plot_link",
    "plot_media_cost",
    "plot_messages",
    "plot_overview",
    "plot_packet_times",
    "plot_pictures",
    "plot_planes",
    "plot_rate_distortion",
    "plot_setup",
    "plot_shapes",
    "plot_spectrogram",
    "plot_spectrograms",
    "plot_topologies",
    "plot_waveforms",
]

__getattr__, __dir__ = load_names(__name__, _HOMES)
