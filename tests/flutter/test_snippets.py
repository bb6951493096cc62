"""The lecture's snippets: complete, sourced by the lists, shown as text and as HTML."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest
import yaml
from livekit.protocol import rtc as protocol

from labkit.errors import BadValue
from labkit.flutter import api, snippets
from labkit.flutter.snippet import Snippet

EVERY = list(snippets())
BY_HTTP = ("POST /token", "CreateRoom")


def ids(snippet: Snippet) -> str:
    return snippet.key


def oneof(message: type) -> set[str]:
    fields = message.DESCRIPTOR.oneofs_by_name["message"].fields  # type: ignore[attr-defined]
    return {field.name for field in fields}


@pytest.mark.parametrize("snippet", EVERY, ids=ids)
def test_a_snippet_is_complete(snippet: Snippet) -> None:
    assert snippet.printed
    assert snippet.today
    assert snippet.wrong
    assert snippet.printed != snippet.today
    assert len(snippet.printed.splitlines()) <= 12  # quoted, not copied


@pytest.mark.parametrize("snippet", EVERY, ids=ids)
def test_todays_names_are_in_the_list(snippet: Snippet) -> None:
    for wrong in snippet.wrong:
        if wrong.instead:
            home, _, member = wrong.instead.partition(".")
            members = {one.name for part in api().family(home) for one in part.members}
            assert home in api().types, wrong
            assert not member or member in members, wrong
        assert wrong.source() or wrong.verdict == "outdated"


@pytest.mark.parametrize("snippet", EVERY, ids=ids)
def test_what_never_existed_is_not_in_the_list(snippet: Snippet) -> None:
    for wrong in snippet.wrong:
        if wrong.verdict == "never existed":
            assert api().find(wrong.name) == []


def test_what_was_renamed_or_removed_is_gone() -> None:
    def members(name: str) -> set[str]:
        return {one.name for part in api().family(name) for one in part.members}

    assert "participants" not in members("Room")
    assert "videoTracks" not in members("Participant")
    assert "connect" not in members("LiveKitClient")
    assert all(
        wrong.since
        for one in EVERY
        for wrong in one.wrong
        if wrong.verdict in ("removed", "renamed")
    )


@pytest.mark.parametrize("snippet", EVERY, ids=ids)
def test_messages_are_called_as_the_protocol_calls_them(snippet: Snippet) -> None:
    names = {"client": oneof(protocol.SignalRequest), "server": oneof(protocol.SignalResponse)}
    for message in snippet.messages:
        if message.sender == "backend":
            assert message.name in BY_HTTP
        elif not message.name.startswith("GET "):
            assert message.name in names[message.sender], message


def test_the_camera_causes_add_track() -> None:
    assert [one.name for one in snippets("camera")[0].messages][:2] == [
        "add_track",
        "track_published",
    ]


def test_python_is_shown_without_its_docstring() -> None:
    shown = snippets("people")[0].python
    assert shown.startswith("def people(room: rtc.Room) -> list[str]:\n    return")
    assert '"""' not in "".join(one.python for one in EVERY)
    for one in EVERY:
        compile(one.python, one.key, "exec")


def test_text_has_all_four_parts() -> None:
    text = str(snippets("camera"))
    for part in (
        "As printed:",
        "Today, livekit_client 2.11.0:",
        "The same in Python:",
        "add_track",
    ):
        assert part in text


class Balance(HTMLParser):
    """Counts what is open, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_balanced_and_nothing_is_lost() -> None:
    reader = Balance()
    reader.feed(snippets()._repr_html_())
    assert reader.open == []
    for one in EVERY:
        assert one.today in reader.text
        assert one.python in reader.text
        assert all(wrong.fact in reader.text for wrong in one.wrong)


def test_snippets_are_chosen_by_name_place_and_range() -> None:
    every = snippets()
    assert every["token"].key == "token"
    assert every[0].key == "dependency"
    assert [one.key for one in every[1:3]] == ["connect", "token"]
    assert [one.key for one in snippets("events", "people")] == ["events", "people"]
    assert "12 snippets" in repr(every)
    with pytest.raises(BadValue, match="There are dependency, connect"):
        snippets("conect")


def test_the_versions_are_yaml() -> None:
    one = snippets("dependency")[0]
    assert yaml.safe_load(one.printed)["dependencies"] == {"livekit_client": "^0.5.0"}
    assert yaml.safe_load(one.today)["dependencies"] == {"livekit_client": "^2.11.0"}


def test_reading_the_snippets_loads_no_sdk() -> None:
    heavy = ("livekit", "aiortc", "aiohttp", "numpy")
    code = (
        "import sys; from labkit.flutter import snippets; str(snippets()); "
        f"print([one for one in {heavy} if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_snippets_are_shown_in_any_language(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("LAB_LANG", language)
    assert "setCameraEnabled" in str(snippets("camera"))
