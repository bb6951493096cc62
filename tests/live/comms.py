"""A kernel's side of the widgets' wire, without a kernel: what is sent is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import comm
from comm.base_comm import BaseComm


class Wire:
    """The messages that widgets have sent, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], list[Any]]] = []

    def updates(self, comm_id: str) -> list[dict[str, Any]]:
        """What has been set on one widget since it was made."""
        return [
            data["state"]
            for sender, data, _buffers in self.sent
            if sender == comm_id and data.get("method") == "update"
        ]

    def custom(self, comm_id: str) -> list[tuple[dict[str, Any], list[Any]]]:
        """The custom messages of one widget, with their buffers."""
        return [
            (data["content"], buffers)
            for sender, data, buffers in self.sent
            if sender == comm_id and data.get("method") == "custom"
        ]


@contextmanager
def fake_wire() -> Iterator[Wire]:
    """Give widgets that are made meanwhile a comm that keeps what is sent."""
    wire = Wire()

    class KeepingComm(BaseComm):
        def publish_msg(
            self,
            msg_type: str,
            data: Any = None,
            metadata: Any = None,
            buffers: Any = None,
            **keys: Any,
        ) -> None:
            wire.sent.append((self.comm_id, data or {}, list(buffers or [])))

    before, comm.create_comm = comm.create_comm, KeepingComm
    try:
        yield wire
    finally:
        comm.create_comm = before
