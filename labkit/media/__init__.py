"""Sources of pictures and sound, and the number that every picture carries.

The names below are loaded when they are first used: a helper process that only wants the
stamp does not pay for the rest.
"""

from __future__ import annotations

from labkit.lazy import load_names

_HOMES = {
    "AudioSource": "labkit.media.audio",
    "AudioSourceTrack": "labkit.media.tracks",
    "Chirp": "labkit.media.audio",
    "Film": "labkit.media.film",
    "FilmWriter": "labkit.media.film",
    "MediaFile": "labkit.media.file",
    "PictureReader": "labkit.media.sources",
    "Silence": "labkit.media.audio",
    "SourceTrack": "labkit.media.tracks",
    "Speech": "labkit.media.speech",
    "TestPattern": "labkit.media.sources",
    "Tone": "labkit.media.audio",
    "VideoSource": "labkit.media.sources",
    "check_audio_source": "labkit.media.audio",
    "check_video_source": "labkit.media.sources",
    "film_facts": "labkit.media.film",
    "find_chirps": "labkit.media.chirps",
    "loudness_lufs": "labkit.media.loudness",
    "read_frame": "labkit.media.stamp",
    "read_stamp": "labkit.media.stamp",
    "stamp_frame": "labkit.media.stamp",
    "write_stamp": "labkit.media.stamp",
}

__all__ = sorted(_HOMES, key=str.lower)

__getattr__, __dir__ = load_names(__name__, _HOMES)
