"""The lists of names: read, searched, and made by the tool."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.flutter.apilist import PACKAGES, api
from tools.flutter_api import DATA, convert


@pytest.mark.parametrize("package", PACKAGES)
def test_a_list_says_where_it_is_from(package: str) -> None:
    names = api(package)
    assert names.package == package
    assert names.version.count(".") == 2
    assert len(names.types) > 100
    assert all(one.where.startswith("lib/") for one in names.types.values())


def test_names_are_found_with_their_parameters() -> None:
    assert "Room.connect(url, token, connectOptions, roomOptions, fastConnectOptions)" in (
        api().find("connect")
    )
    assert api().find("Room") == ["Room", "Room.Room(roomOptions, engine)"]
    assert api().find("name")


@pytest.mark.parametrize("name", ["joinRoom", "createRoom", "addParticipant", "VideoViewWidget"])
def test_the_lectures_inventions_are_not_there(name: str) -> None:
    assert api().find(name) == []


def test_a_near_name_is_told() -> None:
    assert "LiveKitClient" in api().near("LivekitClient")
    with pytest.raises(BadValue, match=r"no type LivekitClient.*LiveKitClient"):
        api()["LivekitClient"]


def test_a_type_shows_its_members() -> None:
    assert "disconnect()" in str(api()["Room"])
    assert str(api()["Room"]).startswith("class Room (lib/src/core/room.dart:")


def test_a_family_has_what_is_mixed_in() -> None:
    family = [one.name for one in api().family("Room")]
    assert family[0] == "Room"
    assert {"EventsEmittable", "DisposableChangeNotifier"} <= set(family)
    assert api().family("NoSuchType") == []


def test_a_package_without_a_list_is_refused() -> None:
    with pytest.raises(BadValue, match="livekit_client, flutter_webrtc"):
        api("firebase")


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,12}", fullmatch=True)
sources = st.dictionaries(
    names,
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["class", "enum"]),
            "source": st.just("lib/src/a.dart:1"),
            "members": st.dictionaries(names, st.none() | st.lists(names, max_size=4), max_size=5),
        }
    ),
    max_size=5,
)


@given(sources)
def test_converting_keeps_every_name(types: dict[str, object]) -> None:
    from labkit.flutter.apilist import _type

    source = {"package": "p", "version": "1.0.0", "types": types}
    read = json.loads(convert(source, None, "2026-11-23"))
    for name, one in types.items():
        assert isinstance(one, dict)
        again = _type(name, read["types"][name])
        found = {member.name: member.parameters for member in again.members}
        wanted = {
            key: None if given is None else tuple(given) for key, given in one["members"].items()
        }
        assert found == wanted


@pytest.mark.parametrize("package", PACKAGES)
def test_one_line_a_type_so_that_changes_can_be_read(package: str) -> None:
    lines = (DATA / f"{package}.json").read_text("utf-8").splitlines()
    assert sum(line.startswith('"') and '"kind"' in line for line in lines) == len(
        api(package).types
    )
