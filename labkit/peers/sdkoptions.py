"""What a participant asks of the LiveKit SDK, as plain data that is checked in the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.words import _

if TYPE_CHECKING:
    from livekit import rtc

__all__ = [
    "CODECS",
    "CONNECT_S",
    "RELAY_CONNECT_S",
    "SdkOptions",
    "check_sdk_codec",
    "preset_kbps",
]

CODECS = ("vp8", "h264", "vp9", "av1", "h265")
"""What may be asked for; the SDK silently sends VP8 where H.265 has no encoder."""

CONNECT_S = 15.0
"""How long joining may take; a bent link may lose many of the first packets."""

RELAY_CONNECT_S = 10.0
"""The same where only a TURN relay may be used: without one the SDK itself waits for 60 s."""

_PRESETS_KBPS = ((320, 160), (640, 450), (960, 800), (1280, 1700))
"""Longest side in pixels, and what the SDK gives a picture of that size at most."""

_LARGEST_KBPS = 3000

_SWITCHES = ("simulcast", "dynacast", "auto_subscribe", "relay_only", "single_peer_connection",
             "dtx", "red", "frame_metadata")  # fmt: skip

_DEGRADATION = ("balanced", "maintain_framerate", "maintain_resolution")


@dataclass(frozen=True)
class SdkOptions:
    """Options of one participant; what is None is left to the SDK's own habit."""

    simulcast: bool | None = None
    "Several sizes at once (the SDK's habit is yes)."
    bitrate_kbps: float | None = None
    "Most that the video encoder may use (the SDK's preset of that size)."
    max_fps: float | None = None
    "Pictures a second (those of the source; the SDK's preset would leave some out)."
    scalability_mode: str = ""
    "For instance ``L3T3_KEY``, with vp9 and av1."
    degradation: str = ""
    "``balanced``, ``maintain_framerate`` or ``maintain_resolution``."
    dynacast: bool = False
    auto_subscribe: bool = True
    relay_only: bool = False
    single_peer_connection: bool = True
    dtx: bool | None = None
    red: bool | None = None
    audio_kbps: float | None = None
    frame_metadata: bool = True
    "Whether number and time of a frame travel beside it, too."
    encryption_key: str | None = None
    "Shared by all for end-to-end encryption."
    connect_timeout_s: float | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any] | None) -> SdkOptions:
        """Return the options that a dictionary names.

        Raises:
            BadValue: It names something that there is not.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options or {} if name not in known]
        if unknown:
            raise BadValue(
                _("The SDK participant has no option {name!r}.").format(name=unknown[0]),
                next_step=_("Use one of: {names}.").format(names=", ".join(known)),
            )
        return cls(**(options or {}))

    def __post_init__(self) -> None:
        for name in ("bitrate_kbps", "max_fps", "audio_kbps", "connect_timeout_s"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, float)) and value > 0):
                raise BadValue(
                    _("{name}={value!r} cannot be used.").format(name=name, value=value),
                    next_step=_("Use a number above 0, or leave it out."),
                )
        for name in _SWITCHES:
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise BadValue(
                    _("{name}={value!r} cannot be used.").format(name=name, value=value),
                    next_step=_("Use True or False, or leave it out."),
                )
        for name in ("scalability_mode", "encryption_key"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise BadValue(
                    _("{name} has to be a text.").format(name=name),
                    next_step=_("Leave it out, or put it in quotes."),
                )
        if self.degradation and self.degradation not in _DEGRADATION:
            raise BadValue(
                _("degradation={value!r} is not known.").format(value=self.degradation),
                next_step=_("Use one of: {names}.").format(names=", ".join(_DEGRADATION)),
            )

    @property
    def connect_s(self) -> float:
        """How long joining may take."""
        return self.connect_timeout_s or (RELAY_CONNECT_S if self.relay_only else CONNECT_S)

    def room_options(self) -> rtc.RoomOptions:
        """Return them as the SDK takes them when it joins."""
        from livekit import rtc

        transport = rtc.IceTransportType.TRANSPORT_RELAY if self.relay_only else None
        options = rtc.RoomOptions(
            auto_subscribe=self.auto_subscribe,
            dynacast=self.dynacast,
            single_peer_connection=self.single_peer_connection,
        )
        if transport is not None:
            options.rtc_config = rtc.RtcConfiguration(ice_transport_type=transport)
        if self.encryption_key is not None:
            options.encryption = rtc.E2EEOptions(
                key_provider_options=rtc.KeyProviderOptions(shared_key=self.encryption_key.encode())
            )
        return options

    def video_options(self, codec: str, source: Any) -> rtc.TrackPublishOptions:
        """Return them as the SDK takes them for a video track.

        Args:
            codec: One of ``CODECS``.
            source: What is published; its size and rate count.
        """
        from livekit import rtc

        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA,
            video_codec=rtc.VideoCodec.Value(codec.upper()),
            simulcast=self.simulcast,
            scalability_mode=self.scalability_mode or None,
        )
        kbps = self.bitrate_kbps or preset_kbps(source.width, source.height)
        options.video_encoding.max_bitrate = int(kbps * 1000)
        options.video_encoding.max_framerate = float(self.max_fps or source.fps)
        if self.degradation:
            wanted = rtc.DegradationPreference[self.degradation.upper()]
            options.degradation_preference = wanted.value
        if self.frame_metadata:
            features = rtc.FrameMetadataFeature
            options.frame_metadata_features.extend(
                [features.FMF_FRAME_ID, features.FMF_USER_TIMESTAMP]
            )
        return options

    def audio_options(self) -> rtc.TrackPublishOptions:
        """Return them as the SDK takes them for an audio track."""
        from livekit import rtc

        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=self.dtx, red=self.red
        )
        if self.audio_kbps is not None:
            options.audio_encoding.max_bitrate = int(self.audio_kbps * 1000)
        return options


def preset_kbps(width: int, height: int) -> float:
    """Return the bitrate that the SDK gives a picture of a size at most, in kbit/s."""
    sides = (kbps for side, kbps in _PRESETS_KBPS if max(width, height) <= side)
    return next(sides, _LARGEST_KBPS)


def check_sdk_codec(codec: str) -> None:
    """Refuse a codec that the SDK does not know.

    Raises:
        BadValue: Names the ones that there are.
    """
    if codec not in CODECS:
        raise BadValue(
            _("codec={codec!r} is not known.").format(codec=codec),
            next_step=_("Use one of: {names}.").format(names=", ".join(CODECS)),
        )
