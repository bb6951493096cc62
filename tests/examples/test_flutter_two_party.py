"""The student's skeleton and the teachers' solution: whole, spelled right, and different."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.flutter.dart import check_dart

ROOT = Path(__file__).parents[2]
SKELETON = ROOT / "examples" / "flutter_two_party"
SOLUTION = ROOT / "teachers" / "flutter_two_party"
TODO = re.compile(r"TODO (\d)")


def program(*folders: Path) -> dict[str, str]:
    """The Dart files of a folder, with those of later folders put over them."""
    return {
        path.name: path.read_text("utf-8")
        for folder in folders
        for path in sorted((folder / "lib").glob("*.dart"))
    }


STUDENTS, SOLVED = program(SKELETON), program(SKELETON, SOLUTION)


@pytest.mark.parametrize("name", STUDENTS)
def test_the_skeleton_is_spelled_right(name: str) -> None:
    assert check_dart(STUDENTS[name], STUDENTS.values()) == []


@pytest.mark.parametrize("name", SOLVED)
def test_the_solution_is_spelled_right(name: str) -> None:
    assert check_dart(SOLVED[name], SOLVED.values()) == []


def test_a_fault_in_the_solution_would_be_found() -> None:
    broken = SOLVED["call.dart"].replace("setMicrophoneEnabled", "setMicEnabled")
    assert broken != SOLVED["call.dart"]
    assert check_dart(broken, SOLVED.values()) == [
        f"line {1 + broken[: broken.index('setMicEnabled')].count(chr(10))}: "
        "nothing is called setMicEnabled"
    ]


def test_each_task_is_left_to_the_student_and_solved_for_the_teacher() -> None:
    asked = [int(one) for text in STUDENTS.values() for one in TODO.findall(text)]
    assert sorted(set(asked)) == [1, 2, 3, 4, 5, 6]
    assert not any(TODO.search(text) for text in SOLVED.values())
    assert set(program(SOLUTION)) == {"call.dart", "call_page.dart"}


def test_the_core_is_not_in_the_skeleton() -> None:
    text = "\n".join(line.split("//")[0] for one in STUDENTS.values() for line in one.splitlines())
    for call in ("setCameraEnabled(", ".connect(", "createListener(", "VideoTrackRenderer("):
        assert call not in text
        assert any(call in one for one in SOLVED.values())


def test_every_todo_of_the_readme_is_there() -> None:
    readme = (SKELETON / "README.md").read_text("utf-8")
    assert set(TODO.findall(readme)) == {"1", "2", "3", "4", "5", "6"}


def test_the_dependency_is_the_one_whose_names_are_checked() -> None:
    pubspec = yaml.safe_load((SKELETON / "pubspec.yaml").read_text("utf-8"))
    assert pubspec["dependencies"]["livekit_client"] == "^2.11.0"
    assert pubspec["environment"] == {"sdk": "^3.10.0", "flutter": ">=3.38.0"}


def test_the_app_imports_what_it_depends_on_and_its_own_files() -> None:
    pubspec = yaml.safe_load((SKELETON / "pubspec.yaml").read_text("utf-8"))
    for text in SOLVED.values():
        for target in re.findall(r"^import '([^']+)'", text, re.M):
            if target.startswith("package:"):
                assert target.removeprefix("package:").split("/")[0] in pubspec["dependencies"]
            elif not target.startswith("dart:"):
                assert target in SOLVED


@pytest.mark.parametrize("texts", [STUDENTS, SOLVED], ids=["skeleton", "solution"])
def test_no_secret_and_no_token_is_in_the_source(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert not re.search(r"eyJ[\w-]+\.|secret['\"]?\s*[:=]", text)


def test_the_permissions_can_be_read() -> None:
    folder = SKELETON / "permissions"
    told = plistlib.loads((folder / "Info.plist").read_bytes())
    assert {"NSCameraUsageDescription", "NSMicrophoneUsageDescription"} <= set(told)
    rights = plistlib.loads((folder / "macos.entitlements").read_bytes())
    assert rights["com.apple.security.device.camera"] is True
    manifest = ElementTree.parse(folder / "AndroidManifest.xml").getroot()
    name = "{http://schemas.android.com/apk/res/android}name"
    asked = {one.get(name, "").rpartition(".")[2] for one in manifest}
    assert {"CAMERA", "RECORD_AUDIO", "INTERNET"} <= asked


def test_following_the_readme_leaves_nothing_that_the_recipe_refuses() -> None:
    pubspec = yaml.safe_load((SKELETON / "pubspec.yaml").read_text("utf-8"))
    readme = (SKELETON / "README.md").read_text("utf-8")
    words = next(line.split() for line in readme.splitlines() if "flutter create --" in line)
    # Without --empty it makes a test of an app called MyApp, for which nothing here is a match.
    assert "--empty" in words and "flutter_test" not in pubspec["dev_dependencies"]
    assert words[words.index("--project-name") + 1] == pubspec["name"]


def test_the_recipe_analyzes() -> None:
    recipe = yaml.safe_load((SKELETON / "ci" / "flutter.yml").read_text("utf-8"))
    steps = recipe["jobs"]["analyze"]["steps"]
    assert any("flutter analyze" in step.get("run", "") for step in steps)
    assert recipe["jobs"]["analyze"]["timeout-minutes"] <= 30


@pytest.mark.parametrize("folder", [SKELETON, SOLUTION], ids=["skeleton", "solution"])
def test_links_lead_somewhere(folder: Path) -> None:
    readme = (folder / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert links
    assert [link for link in links if not (folder / link).exists()] == []
