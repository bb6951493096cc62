"""Turn a list of a Dart package's public names into the lab's own form (labkit/flutter/data).

python tools/flutter_api.py SOURCE.json [--released 2026-08-11] [--listed 2026-11-23]

SOURCE.json maps each type to its members, and each member to the names of its parameters, or to
null for a field, a getter or a value of an enum: what a parser of the package's sources writes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "labkit" / "flutter" / "data"


def convert(source: dict[str, Any], released: str | None, listed: str | None) -> str:
    """Return the text of a list in the lab's form: one line a type."""
    head = {
        "package": source["package"],
        "version": source["version"],
        "released": released,
        "listed": listed,
    }
    lines = [f'"{key}": {json.dumps(value)},' for key, value in head.items()]
    types = [f'"{name}": {json.dumps(_type(one))}' for name, one in sorted(source["types"].items())]
    return "{\n" + "\n".join(lines) + '\n"types": {\n' + ",\n".join(types) + "\n}\n}\n"


def _type(source: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": source["kind"],
        "where": source["source"],
        "of": source.get("extends", []),
        "has": [_member(name, given) for name, given in sorted(source["members"].items())],
    }


def _member(name: str, parameters: list[str] | None) -> str:
    return name if parameters is None else f"{name}({', '.join(parameters)})"


def main() -> None:
    """Write the list of the package that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--released", help="day the version came out")
    parser.add_argument("--listed", help="day the names were read")
    asked = parser.parse_args()
    source = json.loads(asked.source.read_text("utf-8"))
    path = DATA / f"{source['package']}.json"
    path.write_text(convert(source, asked.released, asked.listed), "utf-8", newline="\n")
    print(f"{path.name}: {len(source['types'])} types")


if __name__ == "__main__":
    main()
