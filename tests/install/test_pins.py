from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.install.reading import ROOT, pins, pip_section, project, versions

LOCKS = ["requirements.txt", "requirements-test.txt", "requirements-conda.txt"]
HASHED = LOCKS[:2]


def needs_of_the_build() -> list[Requirement]:
    return [Requirement(need) for need in project()["build-system"]["requires"]]


def outside_their_range(needs: list[Requirement], lock: str) -> list[str]:
    found = pins(lock)
    return [
        f"{need}: {pin}"
        for need in needs
        for pin in found[canonicalize_name(need.name)]
        if not need.specifier.contains(str(pin.specifier).removeprefix("=="))
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_an_exact_pin(name: str) -> None:
    found = pins(name)
    assert len(found) > 20
    for several in found.values():
        for pin in several:
            assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), pin


@pytest.mark.parametrize("name", HASHED)
def test_every_pin_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\w)", (ROOT / name).read_text(encoding="utf-8"))
    blocks = [block for block in blocks if not block.startswith("#")]
    assert len(blocks) == sum(len(several) for several in pins(name).values())
    for block in blocks:
        assert "--hash=sha256:" in block, block


def test_conda_users_get_the_same_versions() -> None:
    lab = versions("requirements.txt")
    build = {
        canonicalize_name(Requirement(need).name) for need in project()["build-system"]["requires"]
    }
    assert versions("requirements-conda.txt") == {
        name: pinned for name, pinned in lab.items() if name not in build
    }


def test_the_tests_get_the_same_versions_as_the_lab() -> None:
    lab = versions("requirements.txt")
    for name, pinned in versions("requirements-test.txt").items():
        assert pinned <= lab.get(name, pinned), name


def test_environment_asks_pip_for_the_pins_and_for_labkit() -> None:
    assert pip_section() == ["-r requirements-conda.txt", "-e ."]


def test_every_dependency_is_pinned_within_its_range() -> None:
    needs = [*map(Requirement, project()["project"]["dependencies"]), *needs_of_the_build()]
    assert outside_their_range(needs, "requirements.txt") == []


def test_every_test_dependency_is_pinned_within_its_range() -> None:
    needs = [Requirement(need) for need in project()["dependency-groups"]["test"]]
    assert outside_their_range(needs, "requirements-test.txt") == []


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_one_version_a_package_on_each_machine(python: str, system: str) -> None:
    machine = {
        "python_full_version": python,
        "python_version": python[:4],
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
    }
    for name, several in pins("requirements.txt").items():
        fitting = [pin for pin in several if pin.marker is None or pin.marker.evaluate(machine)]
        assert len(fitting) <= 1, name
