"""coturn: a process of the lab's own, on loopback, that ends with the lab; and who relays."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import psutil
import pytest

import labkit as lab
from labkit.errors import BadValue, CallError, LabError, MissingPart, WaitTimeout
from labkit.experiments.rooms import participant
from labkit.experiments.roomspec import Participant
from labkit.rooms.address import TurnAddress
from labkit.rooms.config import ServerConfig
from labkit.rooms.coturn import Coturn, CoturnConfig, answers_stun, coturn, find_coturn
from labkit.rooms.running import LivekitServer
from labkit.rooms.settings import ServerOptions
from labkit.rooms.staging import Stage
from tests.experiments.helpers import SMALL, nothing_left, run

needs_coturn = pytest.mark.skipif(
    find_coturn() is None, reason="coturn (the program “turnserver”) is not installed"
)


def test_the_settings_open_loopback_alone() -> None:
    text = CoturnConfig(3478, range(31000, 31040), "s" * 32).to_text()
    lines = text.splitlines()
    assert {"listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "no-tcp", "no-tls"} <= set(lines)
    assert {"min-port=31000", "max-port=31039", "use-auth-secret"} <= set(lines)
    assert "s" * 32 not in repr(CoturnConfig(3478, range(1), "s" * 32))


def test_livekit_tells_its_clients_of_another_turn_server() -> None:
    beside = TurnAddress("127.0.0.1", 4000, "t" * 32)
    config = ServerOptions(turn=beside).config()
    told = config.to_dict()
    assert "turn" not in told and told["rtc"]["stun_servers"] == ["127.0.0.1:4000"]
    (turn,) = told["rtc"]["turn_servers"]
    assert (turn["host"], turn["port"], turn["secret"]) == ("127.0.0.1", 4000, "t" * 32)
    assert "t" * 32 in config.secrets and "t" * 32 not in repr(config)
    assert "turn_servers" not in ServerOptions(turn=True).config().to_dict()["rtc"]
    assert isinstance(config, ServerConfig)


def test_without_coturn_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPart, match="There is no coturn"):
        run(coturn().start())


def test_before_its_start_there_is_nothing_to_ask() -> None:
    with pytest.raises(CallError, match="not running"):
        _ = coturn().address
    run(coturn().close())


@needs_coturn
def test_it_answers_on_loopback_and_leaves_nothing() -> None:
    async def work() -> tuple[int, TurnAddress]:
        async with coturn() as relay:
            assert relay.alive and await answers_stun(relay.address.host, relay.address.port)
            (server,) = [p for p in processes() if p.name() == "turnserver"]
            addresses = {one.laddr.ip for one in server.net_connections()}
            assert addresses == {"127.0.0.1"}
            assert relay.address.secret not in " ".join(server.cmdline())
            assert relay.address.secret not in "\n".join(relay.log()) + repr(relay)
            assert relay.log("relay 127.0.0.1")
            with pytest.raises(CallError, match="already"):
                await relay.start()
            folder = server.cwd()
            assert Path(folder).stat().st_mode & 0o077 == 0
            return server.pid, relay.address

    before = folders()
    with nothing_left():
        pid, address = run(work())
    assert not psutil.pid_exists(pid) and folders() == before
    assert not run(answers_stun(address.host, address.port))


@needs_coturn
def test_it_says_so_when_it_ends_at_its_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "turnserver"
    program.write_text("#!/bin/sh\necho cannot bind\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with nothing_left(), pytest.raises(CallError, match=r"ended at its start\. cannot bind"):
        run(coturn().start())


def relayed(name: str, **options: object) -> Participant:
    return participant(name, engine="livekit", options={"relay_only": True, **options})


async def joined(server: LivekitServer) -> dict[str, str]:
    """Return the pair of addresses that somebody behind a relay gets."""
    people = [lab.participant("alice", video=SMALL), relayed("bob"), "carol"]
    async with lab.room(*people, server=server) as room:
        one = await room.record(1)
        assert one.summary("alice", "bob")["frames"]["shown"] > 0
        pair: dict[str, str] = await room.ask("bob", lambda peer: peer.nominated_pair())
        return pair


def test_the_pair_proves_livekits_own_relay(livekit_server: LivekitServer) -> None:
    with nothing_left():
        pair = run(joined(livekit_server))
    address, kind = pair["local"].split()
    assert kind == "relay" and address.startswith("127.0.0.1:")
    assert int(address.rpartition(":")[2]) in livekit_server.config.relay_ports
    assert pair["remote"] == f"127.0.0.1:{livekit_server.udp_port} host"


@needs_coturn
def test_the_pair_and_its_log_prove_coturn(livekit_binary: Path) -> None:
    async def work() -> tuple[dict[str, str], Coturn]:
        async with coturn() as relay:
            server = lab.livekit(turn=relay, own=True, build=False)
            assert isinstance(server, LivekitServer)
            async with server:
                assert not server.log(relay.address.secret)
                return await joined(server), relay

    with nothing_left():
        pair, relay = run(work())
    address, kind = pair["local"].split()
    assert kind == "relay"
    assert int(address.rpartition(":")[2]) in relay.config.relay_ports
    assert relay.log("ALLOCATE processed, success") and not relay.log(relay.address.secret)


def test_without_turn_a_sentence_comes_instead_of_a_minute(livekit_binary: Path) -> None:
    async def work() -> None:
        async with lab.livekit(own=True, build=False) as server:
            people = [relayed("bob", connect_timeout_s=1.0), "carol"]
            async with lab.room(*people, server=server):
                pass

    with nothing_left(), pytest.raises(WaitTimeout, match="Only a relay may be used"):
        run(work())


def test_who_is_relayed_has_no_links_to_bend() -> None:
    with pytest.raises(BadValue, match="cannot be bent"):
        lab.participant(
            "bob", engine="livekit", uplink=lab.Link(delay_ms=50), options={"relay_only": True}
        )
    room = lab.room(relayed("bob"), "carol")
    with pytest.raises(LabError, match="cannot be bent"):
        room.set_link("bob", delay_ms=50)


def processes() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def folders() -> set[str]:
    return {str(path) for path in Path(tempfile.gettempdir()).glob("lab-*")}


def test_a_port_where_nobody_is_gives_no_answer() -> None:
    from labkit.rooms.ports import free_port

    assert not asyncio.run(answers_stun("127.0.0.1", free_port("127.0.0.1", "udp")))


def test_a_scene_that_lacks_a_part_shows_what_was_recorded(
    livekit_server: LivekitServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "scenes.json"
    path.write_text('{"recorded": "2026-11-24", "scenes": {"relayed_call": [1, 2]}}', "utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))

    async def relayed_call() -> None:
        async with coturn():
            pass

    stage = Stage(path, livekit_server, "")
    assert run(stage.play(relayed_call)) == [1, 2]
    said = capsys.readouterr().out
    assert "There is no coturn" in said and "Recorded on 2026-11-24" in said
    assert stage.played == {}
