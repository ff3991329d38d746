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


# Names that mean the same wherever they stand, for fields without a comment.
COMMON = {
    "name": "what it is of",
    "verdict": "by the rule in docs/methods.md",
    "p": "of the test",
    "n_rows": "rows used",
    "n_hosts": "hosts of the rows used",
    "n_values": "values used",
    "n_draws": "draws made",
    "n_draws_asked": "draws wanted",
    "n_components": "K",
    "n_parameters": "free parameters",
    "n_starts": "starts of the search",
    "converged": "whether the best start did",
    "lnl": "log likelihood",
    "answer": "in a word",
    "limit_mjup": "mass at which the two sides meet, MJup",
    "bandwidth_dex": "of the local-linear density, dex in log10 M_c",
    "n_below": "rows below the limit",
    "n_above": "rows above the limit",
    "n_hosts_below": "hosts of the rows below",
    "n_hosts_above": "hosts of the rows above",
    "density_above": "rows per dex, just above the limit",
    "median_below": "of the rows below",
    "median_above": "of the rows above",
    "factor": "by which the density steps",
    "power": "chance to see it at these sizes",
    "sides": "log10 a and e, below against above",
    "checks": "every question on the way to the verdict, with its numbers",
    "bears": "on whether there are two, or on what methods make of one",
    "smooth": "one smooth population against two components",
    "methods": "one smooth population per detection method against two components",
    "hosts": "the fit over draws of hosts",
    "one_per_host": "the fit over picks of one companion per host",
    "subsets": "the fit on parts of the sample",
    "dips": "dip tests of the axes",
    "deconvolved": "mixtures behind the measurement errors",
    "main_evidence": "what else was asked of the main sample",
    "mass_orbit_evidence": "what else was asked of the mass-orbit sample",
    "gap": "the widest range of q without a companion",
    "population": "the smooth population that fits best",
    "bic_two": "BIC of two components",
    "test": "the likelihood-ratio test",
    "log_q": "dip test of log q by row",
    "log_a": "dip test of log a by row",
    "log_q_hosts": "dip test of log q by host",
    "log_a_hosts": "dip test of log a by host",
    "best_k": "K of the least BIC",
    "fits": "one fit per K",
    "q_low": "mass ratio below the gap",
    "q_high": "mass ratio above the gap",
}


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
        f"{_cell(meanings.get(field.name) or COMMON.get(field.name, ''))} |"
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
