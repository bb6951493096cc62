"""The LiveKit server's counters, and whether it answers."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import aiohttp

from labkit.errors import CallError
from labkit.words import _

if TYPE_CHECKING:
    from labkit.rooms.config import ServerConfig

__all__ = [
    "ABOUT_MEDIA",
    "answers",
    "fetch_metrics",
    "is_about_media",
    "lines_about_media",
    "parse_metrics",
]

NODE_LABELS = {"node_id", "node_type", "env"}
"""The same for every counter of one server."""

OF_THE_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What the server's process costs: processor time (s) and memory, where its system tells them."""

ABOUT_MEDIA = (
    "livekit_bytes",
    "livekit_fir",
    "livekit_forward",
    "livekit_jitter",
    "livekit_nack",
    "livekit_packet",
    "livekit_participant_total",
    "livekit_pli",
    "livekit_room_total",
    "livekit_rtt",
    "livekit_track_published",
    "livekit_track_subscribed",
    "process_",
)
"""Beginnings of the counters that say what a room costs; the others are about the server itself."""

_SHORTLY = aiohttp.ClientTimeout(total=1.0)


async def answers(config: ServerConfig) -> bool:
    """Return whether the server says that it is healthy.

    Args:
        config: Its settings.
    """
    try:
        async with aiohttp.ClientSession(timeout=_SHORTLY) as session:
            async with session.get(f"http://{config.address}:{config.port}/") as answer:
                return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def fetch_metrics(config: ServerConfig) -> dict[str, float]:
    """Return the counters of a running server.

    Args:
        config: Its settings.

    Raises:
        CallError: It does not answer.
    """
    login = base64.b64encode(f"{config.api_key}:{config.metrics_password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0)) as session:
            async with session.get(config.metrics_url, headers=headers) as answer:
                answer.raise_for_status()
                return parse_metrics(await answer.text())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CallError(
            _("The LiveKit server does not tell its counters."),
            f"{type(error).__name__}: {error}.",
            _("See whether it runs: “server.alive”."),
        ) from None


def lines_about_media(text: str) -> str:
    """Return the lines about media and people: a tenth of the text, and of the time to parse it.

    Parsing all of it holds a loop up for some 50 ms, which would be seen in the media.

    Args:
        text: In Prometheus' text format.
    """
    lines = []
    for line in text.splitlines():
        name = line.split(" ", 3)[2] if line.startswith("# ") else line
        if name.startswith(ABOUT_MEDIA) and "_bucket{" not in line:
            lines.append(line)
    return "\n".join([*lines, ""])


def is_about_media(name: str) -> bool:
    """Return whether a counter is about media or who is there.

    Args:
        name: As ``parse_metrics`` calls it.
    """
    return name.startswith(ABOUT_MEDIA)


def parse_metrics(text: str) -> dict[str, float]:
    """Return LiveKit's counters as ``name{label="value"}`` → value.

    What is not LiveKit's own is left out, but for ``OF_THE_PROCESS``; so are the buckets of
    histograms (their sum and count stay) and the labels that name the server.

    Args:
        text: In Prometheus' text format.
    """
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            wanted = sample.name.startswith("livekit_") or sample.name in OF_THE_PROCESS
            if wanted and not sample.name.endswith("_bucket"):
                found[sample.name + _labels(sample.labels)] = float(sample.value)
    return found


def _labels(labels: dict[str, str]) -> str:
    told = [f'{name}="{labels[name]}"' for name in sorted(labels) if name not in NODE_LABELS]
    return "{" + ",".join(told) + "}" if told else ""
