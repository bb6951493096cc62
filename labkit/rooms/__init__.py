"""Rooms on a real LiveKit server: the server, tokens, and the ways in."""

from __future__ import annotations

from labkit.lazy import load_names

_HOMES = {
    "AccessProxy": ".access",
    "FirebaseIssuer": ".idissuer",
    "Coturn": ".coturn",
    "ForeignServer": ".server",
    "IdTokenVerifier": ".idtokens",
    "LivekitServer": ".running",
    "Seats": ".seats",
    "Server": ".base",
    "ServerAddress": ".address",
    "ServerConfig": ".config",
    "Stage": ".staging",
    "SupabaseIssuer": ".idissuer",
    "TokenEndpoint": ".endpoint",
    "build_server": ".build",
    "choose_layer": ".simulcast",
    "coturn": ".coturn",
    "find_coturn": ".coturn",
    "find_server": ".build",
    "hide_tokens": ".hiding",
    "livekit": ".server",
    "open_sockets": ".sockets",
    "read_token": ".tokens",
    "room_seats": ".seats",
    "room_token": ".tokens",
    "stage": ".staging",
    "subscribe": ".simulcast",
    "switch_times_s": ".simulcast",
    "token_endpoint": ".endpoint",
    "try_rights": ".rights",
}

__all__ = sorted(_HOMES, key=str.lower)

__getattr__, __dir__ = load_names(__name__, _HOMES)
