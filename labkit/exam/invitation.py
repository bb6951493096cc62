"""What the candidate's app has to know, as it is handed to a student or a program."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from labkit.exam.names import WHIP
from labkit.words import _

__all__ = ["Invitation"]


@dataclass(frozen=True)
class Invitation:
    """Where to ask for a token, and with what.

    Args:
        kind: ``sdk`` or ``whip``.
        endpoint: Address of the token endpoint.
        room: The room's name.
        id_token: Who the candidate is, for the endpoint.
        third_id_token: Who a third person is.
        nonce: The number in the examiner's picture.
        page: Address of the lab's own page; empty where an app of its own is judged.
        opened: What other machines can reach, in words; empty where that is nothing.
    """

    kind: str
    endpoint: str
    room: str
    id_token: str = field(repr=False)
    third_id_token: str = field(repr=False)
    nonce: str
    page: str = ""
    opened: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)

    @property
    def command(self) -> str:
        """What starts the Flutter skeleton with it."""
        return self._command(self.id_token)

    def for_a_phone(self) -> str:
        """Return what a QR code tells a phone: endpoint, room and ID token as JSON."""
        told = {"endpoint": self.endpoint, "room": self.room, "id_token": self.id_token}
        return json.dumps(told)

    def in_words(self) -> str:
        """Return it as a student reads it, with what to do in which order."""
        if self.kind == WHIP:
            lines = [_("Open this page, and press Join:"), f"  {self.page}"]
        else:
            lines = self._for_an_app()
        lines.append(_("The other's picture shows the number {nonce}.").format(nonce=self.nonce))
        if self.opened:
            more = _("So are the token endpoint and the candidate's door, each with a TCP port.")
            lines += [self.opened, more]
        return "\n".join(lines)

    def _for_an_app(self) -> list[str]:
        third = _("2. When both pictures are there, start it once more as a third person. It has "
                  "to read that the room is full:")  # fmt: skip
        return [
            _("Token endpoint: {endpoint}").format(endpoint=self.endpoint),
            _("Room: {room}").format(room=self.room),
            "",
            self._start_it(),
            f"  {self.command}",
            third,
            f"  {self._command(self.third_id_token)}",
            _("3. Wait: the server dies for two seconds and comes back. The call has to go on."),
            _("4. Leave the call in your app."),
            "",
        ]

    def _start_it(self) -> str:
        if not self.opened:
            return _("1. Start your app:")
        return _(
            "1. Start your app on the phone. (If it is there already: scan the code below, and "
            "paste its text into the first field of the form.)"
        )

    def _command(self, id_token: str) -> str:
        asked = {"ENDPOINT": self.endpoint, "ID_TOKEN": id_token, "ROOM": self.room}
        words = [f"--dart-define={name}={value}" for name, value in asked.items()]
        here = [] if self.opened else ["-d", "chrome"]  # else the phone that is connected
        return " ".join(["flutter", "run", *here, *words])
