"""Make the recorded sentences of ``labkit.media.Speech`` anew, with espeak-ng.

python tools/sentences.py            write labkit/media/sentences/*.opus
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import av

from labkit.codecs.sound import Samples, to_frame
from labkit.media.audio import SAMPLE_RATE
from labkit.media.speech import RECORDED, has_voice, recorded_path, speak

BITS_PER_S = 32_000


def write_opus(path: Path, samples: Samples) -> None:
    """Write mono sound of 48 kHz as an Opus file."""
    with av.open(path, "w", format="ogg") as file:
        stream: Any = file.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = BITS_PER_S
        file.mux(stream.encode(to_frame(samples, SAMPLE_RATE, 0)))
        file.mux(stream.encode(None))


def main() -> int:
    """Write every sentence and return the exit code."""
    if not has_voice():
        print("sentences: espeak-ng is not installed", file=sys.stderr)
        return 1
    for language, text in RECORDED.items():
        path = recorded_path(language)
        samples = speak(text, language)
        write_opus(path, samples)
        print(f"{path.name}: {len(samples) / SAMPLE_RATE:.1f} s, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
