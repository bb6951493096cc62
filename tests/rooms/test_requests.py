"""Which pages may ask the token endpoint."""

from __future__ import annotations

import pytest

from labkit.rooms.requests import allowed_origin


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:5000", True),
        ("https://localhost", True),
        ("http://[::1]:3000", True),
        ("http://192.168.1.5:80", True),
        ("http://192.168.1.6", False),
        ("http://localhost.evil.example", False),
        ("file://localhost", False),
        ("null", False),
        ("http://[", False),
    ],
)
def test_origins(origin: str, allowed: bool) -> None:
    assert allowed_origin(origin, "192.168.1.5") is allowed
