"""Reading the files that say what is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, list[Requirement]]:
    """The pins of a requirements file, by package; several where they differ by platform."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def versions(name: str) -> dict[str, set[str]]:
    """The pinned versions of a requirements file, by package."""
    return {
        package: {str(pin.specifier) for pin in several} for package, several in pins(name).items()
    }


def pip_section() -> list[str]:
    """What environment.yml asks of pip, a line each."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    for dependency in yaml.safe_load(text)["dependencies"]:
        if isinstance(dependency, dict):
            return list(dependency["pip"])
    raise AssertionError("environment.yml has no pip section")
