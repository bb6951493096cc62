"""The LiveKit SDK's statistics as rows of ``samples``: by track, and by simulcast layer.

Means are over the time since the statistics before: the SDK's own are over a whole life, in
which the start weighs too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["Pair", "Sample", "SdkStats"]

Pair = dict[str, str]
"""``local`` and ``remote`` address of the pair that ICE has agreed on."""

Sample = tuple[str | None, str, float]
"""Track (None: of the whole connection), name, value."""

HEADER_BYTES = 28
"""IPv4 and UDP headers of a datagram."""

_INBOUND = {
    "frames_decoded": "frames_decoded",
    "frames_received": "frames_received",
    "frames_dropped": "frames_dropped",
    "frames_per_second": "frames_per_s",
    "frame_width": "width",
    "frame_height": "height",
    "key_frames_decoded": "key_frames",
    "freeze_count": "freezes",
    "nack_count": "nacks",
    "pli_count": "plis",
    "concealed_samples": "concealed_samples",
}
_OUTBOUND = {
    "frames_encoded": "frames_encoded",
    "frames_per_second": "frames_per_s",
    "frame_width": "width",
    "frame_height": "height",
    "quality_limitation_reason": "quality_limitation",
    "nack_count": "nacks",
    "pli_count": "plis",
    "active": "active",
}
_VIDEO_ALONE = ("frame", "key_frames", "freeze", "quality", "active", "pli")
_AUDIO_ALONE = ("concealed",)

_TYPES = ("host", "srflx", "prflx", "relay")


class SdkStats:
    """Turns statistics into samples, and keeps what the next ones are compared with.

    ``quality_limitation`` is 0 (none), 1 (processor), 2 (bandwidth) or 3 (other).
    """

    def __init__(self) -> None:
        self.received_bytes = 0
        "On the wire, 28 header bytes a datagram included."
        self.datagrams = {"sent": 0, "received": 0}
        self.pair: Pair | None = None
        self.streams: dict[int, tuple[str, str, str]] = {}
        "SSRC that is sent: kind of medium, role (media or rtx) and rid."
        self.codecs: dict[str, str] = {}
        "Codec that is really sent, by kind of medium, for instance ``VP8``."
        self._before: dict[tuple[Any, ...], float] = {}
        self._before_s: float | None = None

    def take(
        self, at_s: float, stats: Iterable[Any], track_of: Callable[[str, int, bool], str | None]
    ) -> list[Sample]:
        """Return the samples of one reading.

        Args:
            at_s: When it was made (seconds of the call).
            stats: ``RtcStats`` of all peer connections.
            track_of: Names the track of a kind of medium, an SSRC and whether it arrives.
        """
        passed_s = None if self._before_s is None else at_s - self._before_s
        self._before_s = at_s
        known = list(stats)
        codecs = {s.codec.rtc.id: s.codec.codec for s in known if s.HasField("codec")}
        samples = list(self._connection(known, passed_s))
        for each in known:
            kind = each.WhichOneof("stats")
            if kind == "inbound_rtp":
                track = track_of(each.inbound_rtp.stream.kind, each.inbound_rtp.stream.ssrc, True)
                samples += self._inbound(track, each.inbound_rtp, passed_s)
            elif kind == "outbound_rtp":
                self._note_stream(each.outbound_rtp, codecs)
                stream = each.outbound_rtp.stream
                samples += self._outbound(
                    track_of(stream.kind, stream.ssrc, False), each.outbound_rtp, passed_s
                )
            elif kind == "remote_inbound_rtp":
                samples += self._remote(each.remote_inbound_rtp, track_of)
        return samples

    def _connection(self, known: list[Any], passed_s: float | None) -> Iterator[Sample]:
        transports = [s.transport.transport for s in known if s.HasField("transport")]
        self.datagrams = {
            "sent": sum(t.packets_sent for t in transports),
            "received": sum(t.packets_received for t in transports),
        }
        sent = sum(t.bytes_sent for t in transports) + HEADER_BYTES * self.datagrams["sent"]
        self.received_bytes = (
            sum(t.bytes_received for t in transports) + HEADER_BYTES * self.datagrams["received"]
        )
        yield from self._rate(None, "sent_kbps", ("sent",), sent, passed_s)
        yield from self._rate(None, "received_kbps", ("received",), self.received_bytes, passed_s)
        chosen = {t.selected_candidate_pair_id for t in transports}
        for each in known:
            if each.HasField("candidate_pair") and each.candidate_pair.rtc.id in chosen:
                pair = each.candidate_pair.candidate_pair
                self.pair = _addresses(pair, known)
                yield None, "rtt_ms", pair.current_round_trip_time * 1000
                if pair.available_outgoing_bitrate:
                    yield None, "available_kbps", pair.available_outgoing_bitrate / 1000

    def _inbound(self, track: str | None, entry: Any, passed_s: float | None) -> Iterator[Sample]:
        if track is None:
            return
        inbound, ssrc = entry.inbound, entry.stream.ssrc
        yield from _fields(track, "", entry.stream.kind, inbound, _INBOUND)
        yield track, "packets_received", entry.received.packets_received
        yield track, "packets_lost", entry.received.packets_lost
        yield track, "jitter_ms", entry.received.jitter * 1000
        yield from self._rate(track, "received_kbps", (ssrc,), inbound.bytes_received, passed_s)
        emitted = inbound.jitter_buffer_emitted_count
        for name, total_s in (
            ("jitter_buffer_ms", inbound.jitter_buffer_delay),
            ("jitter_buffer_target_ms", inbound.jitter_buffer_target_delay),
        ):
            yield from self._mean(track, name, (ssrc, name), total_s, emitted)
        yield from self._mean(
            track, "decode_ms", (ssrc, "decode"), inbound.total_decode_time, inbound.frames_decoded
        )

    def _outbound(self, track: str | None, entry: Any, passed_s: float | None) -> Iterator[Sample]:
        if track is None:
            return
        outbound, ssrc = entry.outbound, entry.stream.ssrc
        layer = f":{outbound.rid}" if outbound.rid else ""
        yield from _fields(track, layer, entry.stream.kind, outbound, _OUTBOUND)
        yield track, f"packets_sent{layer}", entry.sent.packets_sent
        if outbound.target_bitrate:
            yield track, f"target_kbps{layer}", outbound.target_bitrate / 1000
        yield from self._rate(track, f"sent_kbps{layer}", (ssrc,), entry.sent.bytes_sent, passed_s)
        yield from self._mean(
            track,
            f"encode_ms{layer}",
            (ssrc, "encode"),
            outbound.total_encode_time,
            outbound.frames_encoded,
        )

    def _remote(
        self, entry: Any, track_of: Callable[[str, int, bool], str | None]
    ) -> Iterator[Sample]:
        track = track_of(entry.stream.kind, entry.stream.ssrc, False)
        remote = entry.remote_inbound
        if track is None or not remote.round_trip_time_measurements:
            return
        rid = self.streams.get(entry.stream.ssrc, ("", "", ""))[2]
        layer = f":{rid}" if rid else ""
        yield track, f"rtcp_rtt_ms{layer}", remote.round_trip_time * 1000
        yield track, f"fraction_lost{layer}", remote.fraction_lost

    def _note_stream(self, entry: Any, codecs: dict[str, Any]) -> None:
        kind, rid = entry.stream.kind, entry.outbound.rid
        self.streams[entry.stream.ssrc] = (kind, "media", rid)
        if entry.outbound.rtx_ssrc:
            self.streams[entry.outbound.rtx_ssrc] = (kind, "rtx", rid)
        codec = codecs.get(entry.stream.codec_id)
        if codec is not None:
            self.codecs[kind] = codec.mime_type.partition("/")[2].upper()

    def _rate(
        self, track: str | None, name: str, key: Any, total: float, passed_s: float | None
    ) -> Iterator[Sample]:
        grown = self._grown(("bytes", *key), total)
        if passed_s and grown is not None:
            yield track, name, grown * 8 / 1000 / passed_s

    def _mean(
        self, track: str, name: str, key: Any, total_s: float, count: int
    ) -> Iterator[Sample]:
        more_s = self._grown(("s", *key), total_s)
        more = self._grown(("n", *key), count)
        if more_s is not None and more:
            yield track, name, more_s / more * 1000

    def _grown(self, key: tuple[Any, ...], total: float) -> float | None:
        """Return by how much a total has grown; None at first, and after a new beginning."""
        before = self._before.get(key)
        self._before[key] = total
        return None if before is None or total < before else total - before


def _fields(
    track: str, layer: str, kind: str, values: Any, names: dict[str, str]
) -> Iterator[Sample]:
    for field, name in names.items():
        other = _AUDIO_ALONE if kind == "video" else _VIDEO_ALONE
        if not field.startswith(other):
            yield track, name + layer, float(getattr(values, field))


def _addresses(pair: Any, known: list[Any]) -> Pair:
    found = {}
    for each in known:
        for side in ("local", "remote"):
            name = f"{side}_candidate"
            if each.HasField(name):
                entry = getattr(each, name)
                if entry.rtc.id == getattr(pair, f"{name}_id"):
                    c = entry.candidate
                    found[side] = f"{c.address}:{c.port} {_TYPES[c.candidate_type]}"
    return found
