"""A snippet as plain text, and side by side as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from labkit.flutter.apilist import api
from labkit.words import _

if TYPE_CHECKING:
    from labkit.flutter.snippet import Snippet

__all__ = ["as_html", "as_text"]

_COLUMNS = (
    "display: grid; gap: 0 1em; align-items: start; "
    "grid-template-columns: repeat(auto-fit, minmax(min(100%, 20em), 1fr));"
)
_CODE = (
    "white-space: pre-wrap; word-break: normal; overflow-wrap: break-word; font-size: 90%; "
    "padding: 0.5em; border: 1px solid currentColor; margin: 0.3em 0 1em;"
)


def as_text(snippet: Snippet) -> str:
    """Return a snippet with its columns one below the other."""
    lines = [f"{snippet.section} · {snippet.title}"]
    for heading, code in _codes(snippet):
        lines += ["", f"{heading}:", *(f"    {line}" for line in code.split("\n"))]
    for heading, points in _points(snippet):
        lines += ["", f"{heading}:", *(f"  {point}" for point in points)]
    if snippet.note:
        lines += ["", snippet.note]
    return "\n".join(lines)


def as_html(snippet: Snippet) -> str:
    """Return a snippet with its columns side by side, where the page is wide enough."""
    columns = "".join(
        f"<div><strong>{escape(heading)}</strong>"
        f'<pre style="{_CODE}"><code>{escape(code)}</code></pre></div>'
        for heading, code in _codes(snippet)
    )
    lists = "".join(
        f"<strong>{escape(heading)}</strong><ul>"
        + "".join(f"<li>{escape(point)}</li>" for point in points)
        + "</ul>"
        for heading, points in _points(snippet)
    )
    note = f"<p>{escape(snippet.note)}</p>" if snippet.note else ""
    title = f"{escape(snippet.section)} · {escape(snippet.title)}"
    return (
        f'<section aria-label="{title}"><h4>{title}</h4>'
        f'<div style="{_COLUMNS}">{columns}</div>{lists}{note}</section>'
    )


def _codes(snippet: Snippet) -> list[tuple[str, str]]:
    today = _("Today, {package} {version}").format(package=api().package, version=api().version)
    found = [(_("As printed"), snippet.printed), (today, snippet.today)]
    return found + ([(_("The same in Python"), snippet.python)] if snippet.python else [])


def _points(snippet: Snippet) -> list[tuple[str, list[str]]]:
    found = [(_("What is wrong"), [str(one) for one in snippet.wrong])]
    if snippet.messages:
        heading = _("What it sends: → client, ← server, ⇒ backend by HTTP")
        found.append((heading, [str(one) for one in snippet.messages]))
    return found
