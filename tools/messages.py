"""Collect the words that a person reads, for translators, and compile what they write.

python tools/messages.py extract    write labkit/locales/labkit.pot
python tools/messages.py check      fail when labkit.pot does not hold the words of the sources
python tools/messages.py compile    write a .mo beside each .po, where labkit.words finds it
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[1] / "labkit"
HEADER = """\
# The words of WebRTC Lab, made by tools/messages.py: change them in the sources.
#"""
# These two header lines change with the clock and with Babel, not with our words.
_PASSING = ("POT-Creation-Date:", "Generated-By:")


def template(package: Path = PACKAGE) -> str:
    """Return the text of ``labkit.pot``: every message of the package, sorted."""
    catalog = Catalog(
        project="WebRTC Lab",
        header_comment=HEADER,
        creation_date=datetime(2026, 1, 1, tzinfo=UTC),
        copyright_holder="WebRTC Lab contributors",
        fuzzy=False,
    )
    for path, line, message, comments, context in _found(package):
        catalog.add(message, None, [(path, line)], auto_comments=comments, context=context)
    output = BytesIO()
    write_po(output, catalog, width=100, include_lineno=False, sort_output=True)
    return output.getvalue().decode()


def extract(package: Path = PACKAGE) -> Path:
    """Write ``labkit.pot`` and return its path."""
    path = _template_path(package)
    path.parent.mkdir(exist_ok=True)
    path.write_text(template(package), encoding="utf-8", newline="\n")
    return path


def stale(package: Path = PACKAGE) -> list[str]:
    """Return sentences that say what ``labkit.pot`` lacks or has too much; none if it is right."""
    path = _template_path(package)
    if not path.exists():
        return [f"{path.name} is not made yet"]
    have, wanted = _lasting(path.read_text("utf-8")), _lasting(template(package))
    if have == wanted:
        return []
    changed = sorted(line for line in {*have} ^ {*wanted} if line.startswith("msgid"))
    return [f"{path.name} does not hold the words of the sources", *changed]


def compile_all(package: Path = PACKAGE) -> list[Path]:
    """Write ``labkit.mo`` beside each ``labkit.po``; return those written."""
    written = []
    for source in sorted((package / "locales").rglob("*.po")):
        language = source.relative_to(package / "locales").parts[0]
        with source.open("rb") as file:
            catalog = read_po(file, locale=language)
        target = source.with_suffix(".mo")
        with target.open("wb") as output:
            write_mo(output, catalog)
        written.append(target)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Run one command of this tool and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=("extract", "check", "compile"))
    command = parser.parse_args(arguments).command
    if command == "check":
        return _report(stale())
    written = compile_all() if command == "compile" else [extract()]
    for path in written:
        print(f"wrote {path}")
    return 0


def _report(problems: list[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("Run “python tools/messages.py extract” and commit the result.", file=sys.stderr)
        return 1
    print("labkit.pot holds the words of the sources")
    return 0


def _found(
    package: Path,
) -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    keywords = {name: DEFAULT_KEYWORDS[name] for name in ("_", "ngettext")}
    for path, line, message, comments, context in extract_from_dir(
        package, method_map=[("**.py", "python")], keywords=keywords
    ):
        yield f"{package.name}/{Path(path).as_posix()}", line, message, comments, context


def _lasting(text: str) -> list[str]:
    return [line for line in text.splitlines() if not any(mark in line for mark in _PASSING)]


def _template_path(package: Path) -> Path:
    return package / "locales" / "labkit.pot"


if __name__ == "__main__":
    sys.exit(main())
