"""Words are collected for translators, and their translations reach the reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit import words
from tools import messages

SOURCE = """
def f(n):
    _("The call {name} is over.").format(name=n)
    return ngettext("{n} frame", "{n} frames", n)
"""
RUSSIAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && \
(n%100<10 || n%100>=20) ? 1 : 2);\\n"

msgid "The call {name} is over."
msgstr "Звонок {name} окончен."

msgid "{n} frame"
msgid_plural "{n} frames"
msgstr[0] "{n} кадр"
msgstr[1] "{n} кадра"
msgstr[2] "{n} кадров"
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "labkit"
    catalog = folder / "locales" / "ru" / "LC_MESSAGES"
    catalog.mkdir(parents=True)
    (folder / "call.py").write_text(SOURCE)
    (catalog / "labkit.po").write_text(RUSSIAN, encoding="utf-8")
    return folder


def test_messages_are_collected_with_their_file(package: Path) -> None:
    text = messages.template(package)
    assert '#: labkit/call.py\n#, python-brace-format\nmsgid "The call {name} is over."' in text
    assert 'msgid_plural "{n} frames"' in text


def test_moving_a_line_changes_nothing_and_a_new_word_does(package: Path) -> None:
    assert messages.stale(package) == ["labkit.pot is not made yet"]
    messages.extract(package)
    (package / "call.py").write_text("\n\n" + SOURCE)
    assert messages.stale(package) == []
    (package / "more.py").write_text('_("Hello")')
    assert messages.stale(package) == [
        "labkit.pot does not hold the words of the sources",
        'msgid "Hello"',
    ]


def test_another_babel_does_not_make_the_template_stale(package: Path) -> None:
    path = messages.extract(package)
    path.write_text(path.read_text("utf-8").replace("Generated-By: Babel", "Generated-By: Other"))
    assert messages.stale(package) == []


def test_a_compiled_catalog_speaks(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [path.name for path in messages.compile_all(package)] == ["labkit.mo"]
    monkeypatch.setattr(words, "LOCALES", package / "locales")
    monkeypatch.setenv("LAB_LANG", "ru")
    words._catalog.cache_clear()
    try:
        assert words._("The call {name} is over.") == "Звонок {name} окончен."
        assert [words.ngettext("{n} frame", "{n} frames", n) for n in (1, 2, 5)] == [
            "{n} кадр",
            "{n} кадра",
            "{n} кадров",
        ]
        assert words._("Hello") == "Hello"
    finally:
        words._catalog.cache_clear()


def test_the_template_holds_the_words_of_the_lab() -> None:
    assert messages.stale() == [], "run “python tools/messages.py extract”"


def test_no_word_hides_in_an_f_string() -> None:
    """There Python 3.11 does not find it for the template, and later ones do."""
    hidden = re.compile(r"""\bf(["']).*\{_\(""")
    for path in Path(words.__file__).parent.rglob("*.py"):
        assert not hidden.search(path.read_text()), path
