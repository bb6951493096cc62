"""Reading a packet bit by bit, and keeping a line about everything that was read."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BitReader", "Field", "TooShort"]

SHOWN_BYTES = 8


class Field(NamedTuple):
    """One field of a packet.

    Args:
        field: Its name in the standard.
        bits: How wide it is.
        value: A number; of longer data the first bytes in hexadecimal.
        meaning: What the value says.
    """

    field: str
    bits: int
    value: int | str
    meaning: str


class TooShort(Exception):
    """The data ends before the field does."""


class BitReader:
    """Reads fields one after another, most significant bit first.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.fields: list[Field] = []

    @property
    def bits_left(self) -> int:
        """How many bits were not read yet."""
        return 8 * len(self._data) - self._at

    def peek(self, bits: int) -> int:
        """Return the next bits as a number, without reading them."""
        if bits > self.bits_left:
            raise TooShort
        end = self._at + bits
        whole = int.from_bytes(self._data[self._at // 8 : -(-end // 8)], "big")
        return whole >> (-end % 8) & (1 << bits) - 1

    def read(self, name: str, bits: int, *meanings: str) -> int:
        """Read a field and keep a line about it.

        Args:
            name: Of the field.
            bits: How wide it is.
            meanings: What the values 0, 1, 2 ... mean; the last one is for all above too.

        Raises:
            TooShort: There are not that many bits.
        """
        value = self.peek(bits)
        self._at += bits
        meaning = meanings[min(value, len(meanings) - 1)] if meanings else ""
        self.fields.append(Field(name, bits, value, meaning))
        return value

    def explain(self, meaning: str) -> None:
        """Say what the field that was read last means."""
        self.fields[-1] = self.fields[-1]._replace(meaning=meaning)

    def blob(self, name: str, size_bytes: int, meaning: str) -> bytes:
        """Read whole bytes that are not taken apart; fewer where the data ends.

        Returns:
            The bytes.
        """
        at = self._at // 8
        data = self._data[at : at + size_bytes]
        more = "…" if len(data) > SHOWN_BYTES else ""
        if data:
            shown = data[:SHOWN_BYTES].hex(" ") + more
            self.fields.append(Field(name, 8 * len(data), shown, meaning))
        self._at += 8 * len(data)
        return data

    def rest(self, name: str, meaning: str) -> bytes:
        """Read everything that is left; bits that make no whole byte as a number."""
        if loose := self.bits_left % 8:
            self.read(name, loose, meaning)
        return self.blob(name, self.bits_left // 8, meaning)
