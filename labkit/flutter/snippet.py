"""A snippet of the lecture: as printed, what is wrong, today's code, and Python beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal, overload

from labkit.errors import BadValue
from labkit.flutter.apilist import api
from labkit.words import _

__all__ = ["Message", "Snippet", "Snippets", "Verdict", "Wrong", "function_source"]

Verdict = Literal["never existed", "removed", "renamed", "misused", "mistaken", "outdated"]


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong in a printed snippet."""

    name: str
    "As it is printed, or what it is about."

    verdict: Verdict

    fact: str
    "A sentence: what is right."

    instead: str = ""
    "Today's name, as “Type” or “Type.member”, in the package's list."

    since: str = ""
    "Version that changed it."

    def verdict_in_words(self) -> str:
        """Return the verdict, with the version that changed it where one did."""
        words = {
            "never existed": _("never existed"),
            "removed": _("removed in {version}"),
            "renamed": _("renamed in {version}"),
            "misused": _("exists, but not so"),
            "mistaken": _("a mistake"),
            "outdated": _("outdated"),
        }
        return words[self.verdict].format(version=self.since)

    def source(self) -> str:
        """Return where the fact can be read in the package's sources."""
        home = api().types.get(self.instead.split(".")[0])
        parts = [f"CHANGELOG {self.since}"] if self.since else []
        return ", ".join(parts + ([home.where] if home else []))

    def __str__(self) -> str:
        source = self.source()
        told = f"{self.name}: {self.verdict_in_words()}. {self.fact}"
        return f"{told} [{source}]" if source else told


@dataclass(frozen=True)
class Message:
    """A message that today's code causes, by its name in LiveKit's protocol."""

    sender: Literal["client", "server", "backend"]

    name: str

    why: str

    def __str__(self) -> str:
        arrow = {"client": "→", "server": "←", "backend": "⇒"}[self.sender]
        return f"{arrow} {self.name}: {self.why}"


@dataclass(frozen=True)
class Snippet:
    """One snippet in four forms, and the words between them."""

    key: str

    section: str
    "Where the lecture has it."

    title: str

    wrong: tuple[Wrong, ...]

    messages: tuple[Message, ...] = ()

    beside: str = ""
    "The function of ``labkit.flutter.beside`` that does the same."

    note: str = field(default="")

    language: Literal["dart", "yaml"] = "dart"

    @property
    def printed(self) -> str:
        """The lines of the lecture that matter."""
        return self._code("printed")

    @property
    def today(self) -> str:
        """What one writes with livekit_client 2.11."""
        return self._code("today")

    @property
    def python(self) -> str:
        """The Python that does the same; empty where there is nothing to run."""
        return function_source(self.beside) if self.beside else ""

    def _code(self, form: str) -> str:
        path = files("labkit.flutter").joinpath("data", form, f"{self.key}.{self.language}")
        return path.read_text("utf-8").rstrip()

    def __str__(self) -> str:
        from labkit.flutter.show import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"<Snippet {self.key}: {self.title}>"

    def _repr_html_(self) -> str:
        from labkit.flutter.show import as_html

        return as_html(self)


class Snippets(Sequence[Snippet]):
    """Snippets in the order of the lecture; as a notebook's value, all of them side by side.

    Args:
        snippets: In their order.
    """

    def __init__(self, snippets: Sequence[Snippet]) -> None:
        self._snippets = tuple(snippets)

    def __len__(self) -> int:
        return len(self._snippets)

    def __iter__(self) -> Iterator[Snippet]:
        return iter(self._snippets)

    @overload
    def __getitem__(self, which: int | str) -> Snippet: ...

    @overload
    def __getitem__(self, which: slice) -> Snippets: ...

    def __getitem__(self, which: int | str | slice) -> Snippet | Snippets:
        """Return a snippet by its key or its place, or a range of them.

        Raises:
            BadValue: No snippet has that key.
        """
        if isinstance(which, slice):
            return Snippets(self._snippets[which])
        if isinstance(which, int):
            return self._snippets[which]
        found = {snippet.key: snippet for snippet in self}
        if which not in found:
            raise BadValue(
                _("There is no snippet “{key}”.").format(key=which),
                next_step=_("There are {keys}.").format(keys=", ".join(found)),
            )
        return found[which]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    def __repr__(self) -> str:
        return f"<{len(self)} snippets: {', '.join(snippet.key for snippet in self)}>"

    def _repr_html_(self) -> str:
        return "".join(snippet._repr_html_() for snippet in self)


def function_source(name: str) -> str:
    """Return a function of ``labkit.flutter.beside`` without its docstring.

    The file is read, not imported: whoever only reads needs no LiveKit SDK.
    """
    source = files("labkit.flutter").joinpath("beside.py").read_text("utf-8")
    lines = source.splitlines()
    function = next(
        one
        for one in ast.parse(source).body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    )
    docstring = function.body[0]
    before = lines[function.lineno - 1 : docstring.lineno - 1]
    return "\n".join(before + lines[docstring.end_lineno : function.end_lineno])
