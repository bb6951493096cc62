"""WebRTC Lab: see a call, bend its link, measure it. ``import labkit as lab``.

The names below are loaded when they are first used, so that the lab's helper processes
start in a few hundredths of a second.
"""

from __future__ import annotations

from labkit.lazy import load_names

__version__ = "0.1.0"

_HOMES = {
    "BadValue": "labkit.errors",
    "CallError": "labkit.errors",
    "Chirp": "labkit.media",
    "Film": "labkit.media",
    "Link": "labkit.net",
    "LabError": "labkit.errors",
    "MediaFile": "labkit.media",
    "Phase": "labkit.net",
    "Run": "labkit.run",
    "Silence": "labkit.media",
    "Speech": "labkit.media",
    "TestPattern": "labkit.media",
    "Tone": "labkit.media",
    "browser_call": "labkit.experiments",
    "call": "labkit.experiments",
    "close_all": "labkit.experiments",
    "kept_run": "labkit.experiments",
    "load_run": "labkit.run",
    "livekit": "labkit.rooms",
    "mcu": "labkit.experiments.mesh",
    "mesh": "labkit.experiments.mesh",
    "participant": "labkit.experiments.rooms",
    "peer": "labkit.peers",
    "predict": "labkit.live.predict",
    "read_token": "labkit.rooms",
    "room": "labkit.experiments.rooms",
    "room_token": "labkit.rooms",
    "snippets": "labkit.flutter",
    "token_endpoint": "labkit.rooms",
}

__all__ = sorted(_HOMES, key=str.lower)

__getattr__, __dir__ = load_names(__name__, _HOMES, also=["__version__"])
