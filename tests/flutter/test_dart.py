"""The check of Dart finds what it says it finds, and the project's Dart passes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.flutter import snippets
from tests.flutter.dart import check_dart, parse, syntax_errors

GOOD = """\
Future<void> share(Room room) async {
  await room.localParticipant?.setCameraEnabled(true);
  final listener = room.createListener()
    ..on<TrackSubscribedEvent>((event) => debugPrint('${event.track}'));
  await listener.dispose();
}

class Picture extends StatelessWidget {
  const Picture(this.track, {super.key});
  final VideoTrack track;
  @override
  Widget build(BuildContext context) => VideoTrackRenderer(track, fit: VideoViewFit.cover);
}
"""
OTHERS = "class CallScreen extends StatefulWidget { final String serverUrl; final String token; }"
TODAY = {one.key: one.today for one in snippets() if one.language == "dart"}


def test_good_dart_has_nothing_to_say_about() -> None:
    assert check_dart(GOOD) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("setCameraEnabled", "enableCamera", "nothing is called enableCamera"),
        ("localParticipant", "localParticipent", "nothing is called localParticipent"),
        ("TrackSubscribedEvent", "TrackSubscribeEvent", "no type is called TrackSubscribeEvent"),
        ("VideoTrackRenderer", "VideoViewWidget", "nothing is called VideoViewWidget"),
        ("fit:", "size:", "VideoTrackRenderer takes no size"),
        ("VideoViewFit.cover", "VideoViewFit.fill", "VideoViewFit has no fill"),
        ("(Room room)", "(Rooom room)", "no type is called Rooom"),
    ],
)
def test_a_name_that_is_not_there_is_found(right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    found = check_dart(GOOD.replace(right, wrong))
    assert any(one.endswith(told) for one in found), found


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(true);", "(true;"),
        ("listener.dispose();", "listener.dispose()"),
        ("}\n\nclass", "\nclass"),
    ],
)
def test_broken_syntax_is_found(right: str, wrong: str) -> None:
    assert right in GOOD
    found = check_dart(GOOD.replace(right, wrong, 1))
    assert found
    assert all("missing" in one or "cannot be read" in one for one in found)


def test_the_line_is_told() -> None:
    assert check_dart(GOOD.replace("setCameraEnabled", "x")) == ["line 2: nothing is called x"]


@pytest.mark.parametrize("beyond", ["setCameraEnabled(1, 2, 3)", "setCameraEnabled('no')"])
def test_numbers_and_types_of_arguments_are_beyond_it(beyond: str) -> None:
    """So nobody takes a silent check for a compiler."""
    assert check_dart(GOOD.replace("setCameraEnabled(true)", beyond)) == []


@pytest.mark.parametrize("key", TODAY)
def test_the_snippets_of_today_are_spelled_right(key: str) -> None:
    assert check_dart(TODAY[key], [OTHERS, *TODAY.values()]) == []


@pytest.mark.parametrize("key", TODAY)
def test_the_printed_snippets_are_dart_but_have_wrong_names_or_none(key: str) -> None:
    printed = snippets(key)[0].printed
    assert list(syntax_errors(parse(printed))) == []


def test_what_never_existed_is_found_by_the_check() -> None:
    """The check and the lecture's faults agree: the same names are unknown to both."""
    for one in snippets():
        for wrong in one.wrong:
            if wrong.verdict == "never existed":
                found = check_dart(one.printed, [OTHERS])
                assert any(wrong.name in said for said in found), (one.key, found)


def test_no_dart_of_the_project_is_left_out() -> None:
    root = Path(__file__).parents[2]
    folders = {path.parent for path in root.glob("[!.]*/**/*.dart") if "build" not in path.parts}
    assert {str(folder.relative_to(root)) for folder in folders} == {
        "examples/flutter_two_party/lib",
        "labkit/flutter/data/printed",
        "labkit/flutter/data/today",
        "teachers/flutter_two_party/lib",
    }
