"""Join the halves that a frame's sender and its receivers wrote: one row a frame and receiver.

Standard library only: the recorder's process joins when a recording ends, and whoever opens an
unfinished file joins then. Joining twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labkit.run.fates import settle_fates
from labkit.run.presence import (
    STRAGGLER_S,
    Span,
    cut_short,
    known_until,
    presence_of,
    span_at,
)
from labkit.run.schema import COLUMNS

__all__ = [
    "FORWARDER",
    "STRAGGLER_S",
    "UNREAD",
    "TICKS",
    "cut_short",
    "join_halves",
    "join_tables",
    "mark_rtx",
    "presented_places",
]

FORWARDER = "livekit-server"
"""Engine of a peer that passes frames on and sees none."""

TICKS = 2
"""RTP timestamps that differ by this much or less name one frame: encoders round."""

UNREAD = "presented_unread"
"""Sample of a page that was called for a frame: how many it presented since the one it was called
for before. It stands at the very second that is this frame's ``decoded_s``."""

Row = tuple[Any, ...]
Half = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
Unread = Mapping[tuple[str, Any], Mapping[float, int]]
Presence = Mapping[str, Sequence[Span]]

_RECEIVERS_OWN = ("receiver", "width", "height")
_ARRIVALS = ("first_arrived_s", "arrived_s", "decoded_s")


def join_tables(tables: Tables, known_until_s: float | None = None) -> dict[str, list[Row]]:
    """Return ``tables`` with frames and audio joined, RTX packets marked, fates settled.

    Args:
        tables: Rows by table, in the order of the schema.
        known_until_s: Where a recording was cut short: a frame captured later than this that
            nobody answered has no fate yet. None: every unanswered frame is lost.
    """
    known = ((line[0], line[1]) for line in tables.get("peers", ()))
    peers = [name for name, engine in known if name is not None and engine != FORWARDER]
    owners = {line[0]: line[1] for line in tables.get("tracks", ())}
    joined = {table: list(rows) for table, rows in tables.items()}
    unread = {"frames": _unread(tables.get("samples", ()))}
    presence = presence_of(tables.get("events", ()))
    for table in ("frames", "audio"):
        joined[table] = join_halves(
            table,
            tables.get(table, ()),
            peers=peers,
            owners=owners,
            known_until_s=known_until_s,
            unread=unread.get(table),
            presence=presence,
        )
    packets = mark_rtx(tables.get("packets", ()), tables.get("streams", ()))
    joined["packets"] = settle_fates(packets)
    return joined


def join_halves(
    table: str,
    rows: Iterable[Row],
    *,
    peers: Sequence[str] = (),
    owners: Mapping[str, str | None] | None = None,
    known_until_s: float | None = None,
    unread: Unread | None = None,
    presence: Presence | None = None,
) -> list[Row]:
    """Return one row per captured frame and receiver.

    A half without ``receiver`` is the sender's, one with it is a receiver's (or tells what a
    sender of many connections did for this receiver alone). They meet by frame
    number and, where the receiver has none, by RTP timestamp (± 2 ticks, modulo 2³²). A
    receiver's half whose frame was captured outside the recording meets nobody and is left out.
    Rows of a track that has no sender's half are taken over as they are. A frame that nobody
    answered has no row for a receiver who was not in the room when it was captured, and no fate
    where that one left within ``STRAGGLER_S`` after.

    Args:
        table: ``frames`` or ``audio``.
        rows: Halves, or rows that are joined already.
        peers: Every peer of the run; those other than the owner count as receivers of a track
            from which nothing ever arrived.
        owners: Sending peer by track; without it the part of the name before the colon.
        known_until_s: As in ``join_tables``.
        unread: Frames that a page presented without reading them, by track and receiver, then by
            ``decoded_s`` of the frame that it read next. They are shown, without a time.
        presence: When receivers were in the room; who is not in it was there all the time.
    """
    columns = COLUMNS[table]
    sent: dict[str, list[Half]] = defaultdict(list)
    received: dict[str, dict[str, list[Half]]] = defaultdict(lambda: defaultdict(list))
    for line in rows:
        half = dict(zip(columns, line, strict=True))
        if half["receiver"] is None:
            sent[half["track"]].append(half)
        else:
            received[half["track"]][half["receiver"]].append(half)
    result: list[Half] = []
    for track in sorted(sent.keys() | received.keys(), key=str):
        if track not in sent:
            result += [half for halves in received[track].values() for half in halves]
            continue
        owner = (owners or {}).get(track) or str(track).partition(":")[0]
        others: list[Any] = [peer for peer in peers if peer != owner] or [None]
        arrived: dict[Any, list[Half]] = dict(received[track]) or {peer: [] for peer in others}
        for receiver, halves in arrived.items():
            counts = (unread or {}).get((track, receiver), {})
            spans = (presence or {}).get(receiver)
            result += _join_one(sent[track], halves, receiver, known_until_s, counts, spans)
    return [tuple(half[column] for column in columns) for half in result]


def _join_one(
    sent: list[Half],
    received: list[Half],
    receiver: str | None,
    known_until_s: float | None,
    unread: Mapping[float, int],
    spans: Sequence[Span] | None,
) -> list[Half]:
    frames = _merge_layers(sent)
    by_number = {half["frame"]: i for i, half in enumerate(frames) if half["frame"] is not None}
    by_time = {
        half["rtp_timestamp"]: i
        for i, half in enumerate(frames)
        if half["rtp_timestamp"] is not None
    }
    for half in received:  # of a sender who has a stream for each receiver, which it tells here
        if half["frame"] in by_number and half["rtp_timestamp"] is not None:
            by_time.setdefault(half["rtp_timestamp"], by_number[half["frame"]])
    answers: dict[int, list[Half]] = defaultdict(list)
    for half in received:
        place = _find(half, by_number, by_time)
        if place is not None:
            answers[place].append(half)
    rows = []
    for i, half in enumerate(frames):
        until_s = known_until(spans, half["captured_s"], known_until_s)
        rows.append(_one_row(half, answers.get(i, []), receiver, until_s))
    if unread:
        _show_unread(rows, received, unread, by_number, by_time)
    if spans is None:
        return rows
    return [
        row
        for i, row in enumerate(rows)
        if i in answers or row["fate"] == "shown" or span_at(spans, row["captured_s"])
    ]


def _show_unread(
    rows: list[Half],
    received: list[Half],
    unread: Mapping[float, int],
    by_number: Mapping[Any, int],
    by_time: Mapping[int, int],
) -> None:
    """Give the fate "shown" to frames that were presented but not read."""
    read = [half for half in received if half["decoded_s"] is not None]
    read.sort(key=lambda half: half["decoded_s"])
    seen = []
    for half in read:  # the timestamp belongs to the page's count; the picture may be a newer one
        place = _find({**half, "frame": None}, by_number, by_time)
        place = _find(half, by_number, by_time) if place is None else place
        seen.append((place, unread.get(half["decoded_s"], 0)))
    for place in presented_places(seen):
        if rows[place]["fate"] in ("lost", None):
            rows[place]["fate"] = "shown"


def presented_places(seen: Iterable[tuple[int | None, int]]) -> set[int]:
    """Return the places of the captured frames that a page presented, read or not.

    Where fewer frames were presented between two that were read than were captured, nobody
    knows which: the newest count as presented, since after a stumble a decoder goes on with
    what is new. The number of them is exact.

    Args:
        seen: For each frame that was read, in this order: its place among the captured ones
            (None: unknown), and how many were presented since the one before, without being read.
    """
    presented: set[int] = set()
    before: int | None = None
    count = 0
    for place, unread in seen:
        count += unread
        if place is None:
            count += 1  # presented as well, and nobody knows which it was
            continue
        presented.add(place)
        if before is not None and count:
            presented.update(range(max(before + 1, place - count), place))
        before, count = place, 0
    return presented


def _unread(samples: Iterable[Row]) -> Unread:
    found: dict[tuple[str, str], dict[float, int]] = defaultdict(dict)
    for at_s, peer, track, name, value in samples:
        if name == UNREAD:
            found[track, peer][at_s] = int(value)
    return found


def _merge_layers(sent: list[Half]) -> list[Half]:
    """Return the sender's frames in order of capture; a frame told twice is told once."""
    frames: dict[Any, Half] = {}
    for place, half in enumerate(sent):
        key = half["frame"] if half["frame"] is not None else ("unnumbered", place)
        frames[key] = _first_of([frames[key], half]) if key in frames else half
    unknown = float("inf")
    return sorted(
        frames.values(), key=lambda h: unknown if h["captured_s"] is None else h["captured_s"]
    )


def _find(half: Half, by_number: Mapping[Any, int], by_time: Mapping[int, int]) -> int | None:
    place = by_number.get(half["frame"]) if half["frame"] is not None else None
    if place is None and half["rtp_timestamp"] is not None:
        for difference in sorted(range(-TICKS, TICKS + 1), key=abs):
            place = by_time.get((half["rtp_timestamp"] + difference) % 2**32)
            if place is not None:
                break
    return place


def _one_row(
    sent: Half, answers: list[Half], receiver: str | None, known_until_s: float | None
) -> Half:
    decoded_first = sorted(answers, key=lambda h: (h["decoded_s"] is None, h["decoded_s"] or 0.0))
    answer = _first_of(decoded_first) if answers else {}
    row = _first_of([sent, answer]) if answer else dict(sent)
    for column in _RECEIVERS_OWN:
        if answer.get(column) is not None:
            row[column] = answer[column]
    row["receiver"] = receiver
    row["fate"] = _fate(sent, decoded_first, known_until_s)
    row["latency_ms"] = None
    if row["fate"] == "shown" and row["captured_s"] is not None:
        row["latency_ms"] = (row["decoded_s"] - row["captured_s"]) * 1000
    return row


def _fate(sent: Half, answers: list[Half], known_until_s: float | None) -> str | None:
    first = answers[0] if answers else {}
    if first.get("decoded_s") is not None and not first.get("concealed"):
        is_video = "key_frame" in sent
        return "unreadable" if is_video and first["frame"] is None else "shown"
    captured_s = sent["captured_s"]
    too_young = known_until_s is not None and captured_s is not None and captured_s > known_until_s
    heard = any(half.get(column) is not None for half in answers for column in _ARRIVALS)
    return None if too_young and not heard else "lost"


def _first_of(halves: list[Half]) -> Half:
    """Return the first value that is not missing, column by column."""
    row = dict(halves[0])
    for half in halves[1:]:
        row.update({key: value for key, value in half.items() if row[key] is None})
    return row


def mark_rtx(packets: Iterable[Row], streams: Iterable[Row]) -> list[Row]:
    """Return ``packets`` with the kind ``rtx`` where the SSRC is one of a retransmission."""
    role, ssrc = COLUMNS["streams"].index("role"), COLUMNS["streams"].index("ssrc")
    again = {line[ssrc] for line in streams if line[role] == "rtx"}
    kind, of = COLUMNS["packets"].index("kind"), COLUMNS["packets"].index("ssrc")
    return [
        (*line[:kind], "rtx", *line[kind + 1 :])
        if line[kind] == "rtp" and line[of] in again
        else tuple(line)
        for line in packets
    ]
