"""Read Dart without Dart: is the syntax right, and is every name spelled as a package spells it?

What this does not see: whether a call has the right number of arguments, whether types fit, whether
an import brings a name in, whether a variable was set. Nothing is compiled; ``flutter analyze``
does that where Flutter is (``examples/flutter_two_party/ci``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tree_sitter
import tree_sitter_dart

from labkit.flutter.apilist import Member, api

CORE = Path(__file__).with_name("core.json")
"""Names of Dart, Flutter and the ``http`` package that our Dart uses, written by hand."""
WRAPPERS = (
    "{}",
    "Future<void> wrapped() async {{ {}\n}}",
    "class Wrapped {{ {}\n}}",
    "final w = f({}\n);",
)
"""What a fragment may need around it, to be a file."""


@dataclass(frozen=True)
class Names:
    """All names that Dart text may use."""

    types: frozenset[str]
    members: frozenset[str]
    parameters: dict[str, frozenset[str]]
    "Parameters of all that is called so."


@lru_cache
def known() -> Names:
    """Return the names of the packages and of Dart and Flutter."""
    core = json.loads(CORE.read_text("utf-8"))
    types, members = set(core["types"]), set(core["members"])
    called = {**core["types"], **core["members"]}
    parameters = {name: frozenset(taken) for name, taken in called.items()}
    for package in ("livekit_client", "flutter_webrtc"):
        names = api(package)
        types |= set(names.types)
        members |= {member.name.split(".")[-1] for _home, member in names.members()}
        for _home, member in names.members():
            parameters[member.name] = parameters.get(member.name, frozenset()) | given(member)
    return Names(frozenset(types), frozenset(members), parameters)


def given(member: Member) -> frozenset[str]:
    return frozenset(member.parameters or ())


def check_dart(text: str, also: Iterable[str] = ()) -> list[str]:
    """Return a sentence for each mistake that reading finds.

    Args:
        text: A file or a fragment of one.
        also: Other Dart text of the same program: what it declares may be used.
    """
    tree = parse(text)
    errors = [f"line {line}: {what}" for line, what in syntax_errors(tree)]
    if errors:
        return errors
    declared = set(declarations(tree))
    for other in also:
        declared |= set(declarations(parse(other)))
    return [f"line {line}: {what}" for line, what in unknown_names(tree, declared)]


def parse(text: str) -> tree_sitter.Tree:
    """Parse a file, or the fragment in the wrapper that it fits best."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_dart.language()))
    trees = [parser.parse(wrapper.format(text).encode()) for wrapper in WRAPPERS]
    return next((tree for tree in trees if not tree.root_node.has_error), trees[0])


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def words(node: tree_sitter.Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode()


def syntax_errors(tree: tree_sitter.Tree) -> Iterator[tuple[int, str]]:
    for node in walk(tree.root_node):
        if node.is_missing:
            yield node.start_point[0] + 1, f"“{node.type}” is missing"
        elif node.type == "ERROR":
            yield node.start_point[0] + 1, f"cannot be read: {words(node)[:40]!r}"


DECLARING = {
    "class_definition",
    "constructor_signature",
    "constant_constructor_signature",
    "constructor_param",
    "enum_constant",
    "enum_declaration",
    "extension_declaration",
    "for_loop_parts",
    "formal_parameter",
    "function_signature",
    "getter_signature",
    "import_specification",
    "initialized_identifier",
    "initialized_variable_definition",
    "mixin_declaration",
    "setter_signature",
    "static_final_declaration",
    "super_formal_parameter",
    "catch_parameters",
    "type_parameter",
    "variable_pattern",
}
WITH_VALUE = {
    "for_loop_parts",
    "initialized_identifier",
    "initialized_variable_definition",
    "static_final_declaration",
}


def declarations(tree: tree_sitter.Tree) -> Iterator[str]:
    """Go through the names that the text itself declares."""
    for node in walk(tree.root_node):
        if node.type in DECLARING:
            for child in declared_in(node):
                yield words(child)


def declared_in(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    names = [one for one in node.children if one.type == "identifier"]
    if node.type in WITH_VALUE:
        return names[:1]  # what follows is its value
    if node.type.endswith(("_definition", "_declaration", "type_parameter")) and not names:
        return [one for one in node.children if one.type == "type_identifier"][:1]
    return names


def unknown_names(tree: tree_sitter.Tree, declared: set[str]) -> Iterator[tuple[int, str]]:
    names = known()
    anything = names.types | names.members | declared
    for node in walk(tree.root_node):
        line, word = node.start_point[0] + 1, words(node)
        if node.type == "type_identifier" and word not in names.types | declared:
            yield line, f"no type is called {word}"
        elif node.type in ("identifier", "identifier_dollar_escaped"):
            if parent(node) == "label" and argument_label(node):
                yield from unknown_label(node, declared)
            elif word not in anything and not word.startswith("_"):
                yield line, f"nothing is called {word}"
        if node.type == "identifier" and word in names.types:
            yield from unknown_static(node, word)


def parent(node: tree_sitter.Node) -> str:
    return node.parent.type if node.parent is not None else ""


def argument_label(node: tree_sitter.Node) -> bool:
    label = node.parent
    return label is not None and parent(label) == "named_argument"


def unknown_label(node: tree_sitter.Node, declared: set[str]) -> Iterator[tuple[int, str]]:
    """A named argument that nothing of the called name takes."""
    called, label = called_name(node), words(node)
    taken = declared if called in declared else known().parameters.get(called)
    if taken is None:
        yield node.start_point[0] + 1, f"no list says what {called} takes"
    elif label not in taken:
        yield node.start_point[0] + 1, f"{called} takes no {label}"


def called_name(label: tree_sitter.Node) -> str:
    """Return what the arguments around a label belong to: “Type”, “Type.named” or a method."""
    arguments = label
    while arguments.type != "arguments":
        assert arguments.parent is not None
        arguments = arguments.parent
    holder = arguments
    while parent(holder) in ("argument_part", "selector"):
        assert holder.parent is not None
        holder = holder.parent
    before = holder.prev_named_sibling
    if before is None:
        return ""
    identifiers = [one for one in walk(before) if one.type in ("identifier", "type_identifier")]
    name = words(identifiers[-1]) if identifiers else ""
    first = before.prev_named_sibling
    named = f"{words(first)}.{name}"
    return named if named in known().parameters else name


def unknown_static(node: tree_sitter.Node, type_name: str) -> Iterator[tuple[int, str]]:
    """``Type.member`` where the packages' Type has no such member."""
    here = node.parent.parent if "selector" in parent(node) and node.parent else node
    after = here.next_sibling if here is not None else None
    home = api().family(type_name)
    if after is None or after.type != "selector" or not words(after).startswith(".") or not home:
        return
    members = {one.name.split(".")[-1] for part in home for one in part.members}
    member = words(after)[1:]
    if member.isidentifier() and member not in members | {"values", "new"}:
        yield node.start_point[0] + 1, f"{type_name} has no {member}"
