"""Which names two Flutter packages have: lists that were read from their sources, not guessed.

A list knows how names are spelled and what parameters are called. It knows no types, not how many
arguments a call needs, and not whether a name is exported: only a compiler does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["ApiList", "ApiType", "Member", "api"]

PACKAGES = ("livekit_client", "flutter_webrtc")


@dataclass(frozen=True)
class Member:
    """A constructor, method, field, getter or value of an enum."""

    name: str

    parameters: tuple[str, ...] | None
    "Names of the parameters; None for what is not called."

    def __str__(self) -> str:
        return (
            self.name if self.parameters is None else f"{self.name}({', '.join(self.parameters)})"
        )


@dataclass(frozen=True)
class ApiType:
    """A class, mixin, enum, extension or type alias."""

    name: str

    kind: str

    where: str
    "File and line in the package's sources."

    parents: tuple[str, ...]
    "What it extends, implements or mixes in, and the types in their angle brackets."

    members: tuple[Member, ...]

    def __str__(self) -> str:
        lines = [f"{self.kind} {self.name} ({self.where})"]
        return "\n".join(lines + [f"  {member}" for member in self.members])


@dataclass(frozen=True)
class ApiList:
    """The public names of one version of a package."""

    package: str

    version: str

    released: str | None
    "Day the version came out, as YYYY-MM-DD."

    listed: str | None
    "Day its names were read, as YYYY-MM-DD."

    types: dict[str, ApiType]

    def __repr__(self) -> str:
        return f"<{self.package} {self.version}: {len(self.types)} types>"

    def __getitem__(self, name: str) -> ApiType:
        """Return a type.

        Raises:
            BadValue: The package has no type of that name; the nearest names are told.
        """
        if name not in self.types:
            raise BadValue(
                _("{package} {version} has no type {name}.").format(
                    package=self.package, version=self.version, name=name
                ),
                next_step=_near(name, self.types),
            )
        return self.types[name]

    def find(self, name: str) -> list[str]:
        """Return where a name is, as “Type.member(parameters)”: nothing if the package lacks it.

        Args:
            name: A type or a member, spelled exactly.
        """
        found = [name] if name in self.types else []
        return found + [f"{home.name}.{one}" for home, one in self.members() if one.name == name]

    def near(self, name: str) -> list[str]:
        """Return up to three names that are spelled like ``name``, the nearest first."""
        known = {*self.types, *(member.name for _home, member in self.members())}
        return get_close_matches(name, sorted(known), n=3, cutoff=0.6)

    def members(self) -> Iterator[tuple[ApiType, Member]]:
        """Go through the members of all types."""
        for one in self.types.values():
            for member in one.members:
                yield one, member

    def family(self, name: str) -> list[ApiType]:
        """Return a type and all that it is made of, as far as this package holds them.

        Args:
            name: Of the type.
        """
        found: dict[str, ApiType] = {}
        waiting = [name]
        while waiting:
            one = self.types.get(waiting.pop())
            if one is not None and one.name not in found:
                found[one.name] = one
                waiting += one.parents
        return list(found.values())


@lru_cache
def api(package: str = "livekit_client") -> ApiList:
    """Return the names of a package.

    Args:
        package: ``livekit_client`` or ``flutter_webrtc``.

    Raises:
        BadValue: There is no list of that package.
    """
    if package not in PACKAGES:
        raise BadValue(
            _("There is no list of {package}.").format(package=package),
            next_step=_("There are lists of {packages}.").format(packages=", ".join(PACKAGES)),
        )
    text = files("labkit.flutter").joinpath("data", f"{package}.json").read_text("utf-8")
    read = json.loads(text)
    types = {name: _type(name, one) for name, one in read["types"].items()}
    return ApiList(read["package"], read["version"], read["released"], read["listed"], types)


def _type(name: str, one: dict[str, Any]) -> ApiType:
    members = tuple(_member(text) for text in one["has"])
    return ApiType(name, one["kind"], one["where"], tuple(one["of"]), members)


def _member(text: str) -> Member:
    name, called, parameters = text.partition("(")
    if not called:
        return Member(name, None)
    return Member(name, tuple(one for one in parameters[:-1].split(", ") if one))


def _near(name: str, known: dict[str, ApiType]) -> str:
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return _("Near it: {names}.").format(names=", ".join(near)) if near else ""
