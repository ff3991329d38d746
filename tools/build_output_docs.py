"""docs/outputs.md and docs/schemas/: the dictionary of every file of a run.

Made from the result classes and table declarations themselves (a field's comment or
its line in the docstring is its meaning), so that it cannot drift from the code.

    python tools/build_output_docs.py           writes them
    python tools/build_output_docs.py --check   fails where they are not up to date
"""

import inspect
import json
import re
import sys
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from panoptic import findings as answers  # noqa: E402
from panoptic.statement import NotRun  # noqa: E402

DOCS = ROOT / "docs"
INTRO = """# Outputs

Every file of a results folder, with each key, column and unit. This page is made by
`python tools/build_output_docs.py` from the classes that the files are written from;
JSON Schemas of the same are in `docs/schemas/`.

Conventions: q is a mass ratio; log is log10; axes are in AU; masses in Msun (hosts) and
MJup (companions) unless the name says otherwise. In JSON, null stands for a value that
is not known and `{"not_run": "reason"}` for a question that was not asked; every JSON
result names its `format_version`. CSV files are UTF-8 with a header line, empty cells
where nothing is known, and a `.meta.json` beside them with the type, unit and meaning
of each column. Arrays are stored without pickles.
"""


def main(argv: list[str]) -> int:
    made = {DOCS / "outputs.md": _page()} | {
        DOCS / "schemas" / f"{name}.schema.json": _schema_text(name, cls)
        for name, (cls, _) in answers.JSON_FILES.items()
    }
    if "--check" not in argv:
        (DOCS / "schemas").mkdir(exist_ok=True)
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [
        str(path.relative_to(ROOT))
        for path, text in made.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if stale:
        print(f"not up to date: {', '.join(stale)}; run {Path(__file__).name}")
    return 1 if stale else 0


def _page() -> str:
    parts = [INTRO, "## Files\n", "| file | what it holds |", "|---|---|"]
    parts += [f"| `{name}` | {what} |" for name, what in answers.OTHER_FILES.items()]
    parts += [f"| `{name}.csv` | {t.about} |" for name, t in answers.TABLES.items()]
    parts += [f"| `{n}.json` | {what} |" for n, (_, what) in answers.JSON_FILES.items()]
    parts += [f"| `{name}.npz` | {a.about} |" for name, a in answers.ARRAYS.items()]
    for name, table in answers.TABLES.items():
        parts += [f"\n## {name}.csv\n", table.about + "\n"]
        parts += ["| column | unit | meaning |", "|---|---|---|"]
        parts += [
            f"| `{column}` | {fact['unit']} | {_cell(fact['meaning'])} |"
            for column, fact in table.columns.items()
        ]
    for name, arrays in answers.ARRAYS.items():
        parts += [f"\n## {name}.npz\n", "| key | unit | meaning |", "|---|---|---|"]
        parts += [
            f"| `{key}` | {fact['unit']} | {_cell(fact['meaning'])} |"
            for key, fact in arrays.columns.items()
        ]
    described: set[type] = set()
    for name, (cls, about) in answers.JSON_FILES.items():
        parts += [f"\n## {name}.json\n", about + "\n"]
        for found in _classes_in(cls):
            if found not in described:
                described.add(found)
                parts += _class_table(found)
    return "\n".join(parts) + "\n"


def _class_table(cls: type) -> list[str]:
    first = (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")
    lines = [f"\n### {cls.__name__}\n", first + "\n"]
    lines += ["| key | type | meaning |", "|---|---|---|"]
    meanings, hints = _meanings(cls), typing.get_type_hints(cls)
    return lines + [
        f"| `{field.name}` | {_type_text(hints[field.name])} | "
        f"{_cell(meanings.get(field.name, ''))} |"
        for field in fields(cls)
    ]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _meanings(cls: type) -> dict[str, str]:
    """Each field's trailing comment, else its line in the class's docstring."""
    found = {}
    for names, text in re.findall(
        r"^([a-z_0-9, ]+?) : (.+(?:\n[ ]{4}.+)*)", inspect.getdoc(cls) or "", re.M
    ):
        found |= dict.fromkeys(re.split(r",\s*", names), text)
    source = inspect.getsource(cls)
    found |= dict(re.findall(r"^    (\w+): [^#\n]+#\s*(.+)$", source, re.M))
    return found


def _classes_in(hint: Any) -> list[type]:
    """The dataclasses a type is made of, outermost first."""
    if is_dataclass(hint) and isinstance(hint, type) and hint is not NotRun:
        inner = typing.get_type_hints(hint)
        below = [c for field in fields(hint) for c in _classes_in(inner[field.name])]
        return [hint, *dict.fromkeys(below)]
    return [c for part in typing.get_args(hint) for c in _classes_in(part)]


def _is_array(hint: Any) -> bool:
    return typing.get_origin(hint) is np.ndarray


def _type_text(hint: Any) -> str:
    if _is_array(hint):
        return "array"
    if hint is type(None):
        return "null"
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type_text(part) for part in parts)
    if origin is tuple:
        inner = [_type_text(part) for part in parts if part is not Ellipsis]
        return f"list of {' and '.join(dict.fromkeys(inner))}"
    if origin is dict:
        return f"object of {_type_text(parts[1])}"
    if hint is NotRun:
        return "not run"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"*{member.value}*" for member in hint)
    names = {float: "number", int: "integer", bool: "boolean", str: "text"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _schema_text(name: str, hint: Any) -> str:
    definitions: dict[str, Any] = {}
    top = _schema(hint, definitions)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{name}.json",
        "$defs": definitions,
    } | top
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if _is_array(hint):
        return {"type": "array"}
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema(part, definitions) for part in parts]}
    if origin is tuple:
        items = [_schema(part, definitions) for part in parts if part is not Ellipsis]
        return {"type": "array", "items": items[0] if len(items) == 1 else {}}
    if origin is dict:
        return {
            "type": "object",
            "additionalProperties": _schema(parts[1], definitions),
        }
    if hint is NotRun:
        return {
            "type": "object",
            "properties": {"not_run": {"type": "string"}},
            "required": ["not_run"],
        }
    if is_dataclass(hint) and isinstance(hint, type):
        return _class_schema(hint, definitions)
    return _scalar_schema(hint)


def _class_schema(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}  # before its fields, which may name it
        hints = typing.get_type_hints(cls)
        names = [field.name for field in fields(cls)]
        definitions[cls.__name__] = {
            "type": "object",
            "properties": {n: _schema(hints[n], definitions) for n in names},
            "required": names,
        }
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _scalar_schema(hint: Any) -> dict[str, Any]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if hint is type(None):
        return {"type": "null"}
    if hint is float:  # NaN is null, an infinity a text
        return {"anyOf": [{"type": ["number", "null"]}, {"enum": ["inf", "-inf"]}]}
    names = {int: "integer", bool: "boolean", str: "string"}
    return {"type": names[hint]} if hint in names else {}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
