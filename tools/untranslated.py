"""Find words that a person reads and that gettext does not know.

python tools/untranslated.py    fail and name each of them in labkit/

Looked at: messages of our own errors, what the command line prints, texts of widgets, labels
of figures. Not looked at: docstrings and Typer's ``help=`` (the reference stays English), and
errors that only our own mistakes can cause (``ValueError`` and the like).
A line that ends in ``# untranslated: why`` is left alone.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "labkit"
TRANSLATORS = {"_", "ngettext"}
KEYWORDS = {
    "description",
    "label",
    "placeholder",
    "title",
    "tooltip",
    "xlabel",
    "ylabel",
}
"""Keyword arguments and attributes whose value is shown to a person."""
CALLS = {
    "HTML",
    "Label",
    "add_column",
    "annotate",
    "echo",
    "print",
    "secho",
    "set_title",
    "set_xlabel",
    "set_ylabel",
    "suptitle",
    "supxlabel",
    "supylabel",
    "warn",
}
"""Functions and methods whose first argument is shown to a person."""
TEXT_METHODS = {"format", "format_map", "join", "lower", "replace", "rstrip", "strip", "upper"}
PARDON = re.compile(r"#\s*untranslated: \S")
# What is left of a text without these is words.
_NO_WORDS = re.compile(r"<[^>]*>|\[/?[a-z ]+\]|\{[^}]*\}|&\w+;|\blabkit\b")


def error_names(package: Path = PACKAGE) -> set[str]:
    """Return the names of our error classes: those of ``errors.py`` and their children."""
    names = {"LabError"}
    classes = [node for path in _files(package) for node in _classes(path)]
    while True:
        more = {node.name for node in classes if names & {_name(base) for base in node.bases}}
        if more <= names:
            return names
        names |= more


def untranslated(source: str, errors: set[str]) -> list[tuple[int, str]]:
    """Return line and words of each literal that should go through gettext.

    Args:
        source: The text of a Python file.
        errors: Names of the classes whose arguments are messages.
    """
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        for part in _shown(node, errors):
            words = _words(part)
            if words and not PARDON.search(lines[part.lineno - 1]):
                found.append((part.lineno, words))
    return sorted(set(found))


def findings(package: Path = PACKAGE) -> list[str]:
    """Return ``file:line: words`` for every finding in a package."""
    errors = error_names(package)
    return [
        f"{path.relative_to(package.parent).as_posix()}:{line}: {words}"
        for path in _files(package)
        for line, words in untranslated(path.read_text("utf-8"), errors)
    ]


def main() -> int:
    """Print the findings and return the exit code."""
    problems = findings()
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("Wrap them in _(), or end the line in “# untranslated: why”.", file=sys.stderr)
        return 1
    print("every word that a person reads goes through gettext")
    return 0


def _shown(node: ast.AST, errors: set[str]) -> Iterator[ast.expr]:
    """Yield the expressions of one node that a person will read."""
    if isinstance(node, ast.Assign):
        if any(
            isinstance(target, ast.Attribute) and target.attr in KEYWORDS for target in node.targets
        ):
            yield node.value
    elif isinstance(node, ast.Call):
        name = _name(node.func)
        if name in TRANSLATORS:
            yield from (part for part in node.args if not _is_text(part))
        elif name in errors:
            yield from (*node.args, *(keyword.value for keyword in node.keywords))
        else:
            yield from node.args[:1] if name in CALLS else ()
            yield from (word.value for word in node.keywords if word.arg in KEYWORDS)


def _words(part: ast.expr) -> str:
    """Return the literal words of an expression; empty where gettext supplies them."""
    match part:
        case ast.Constant(value=str(text)):
            plain = _NO_WORDS.sub("", text)
            return text if any(letter.isalpha() for letter in plain) else ""
        case ast.JoinedStr(values=parts):
            return " ".join(filter(None, map(_words, parts)))
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return _words(left) or _words(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _words(body) or _words(orelse)
        case ast.BoolOp(values=values):
            return next(filter(None, map(_words, values)), "")
        case ast.Call(func=ast.Attribute(value=text, attr=method)) if method in TEXT_METHODS:
            return _words(text)
    return ""


def _is_text(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, str)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _files(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


if __name__ == "__main__":
    sys.exit(main())
