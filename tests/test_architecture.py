"""Who may import whom. A new edge is a design decision, made here."""

import ast
import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOORS = {"data_fetchers", "data_processor", "statistical_analysis", "visualization"}
ENTRY = "panoptic_vlms_project"

# Leaves that every module may import: they import nothing of ours themselves, except
# constants.
EVERYWHERE = {"panoptic", "panoptic.constants", "panoptic.failures"}

# A name allows itself and everything below it. The longest key that fits a module
# holds for it; what is absent is forbidden. Modules of one room may import each other
# (circles are tested apart).
MAY_IMPORT: dict[str, set[str]] = {
    ENTRY: DOORS
    | {
        "panoptic.anchor_files",
        "panoptic.command_line",
        "panoptic.config",
        "panoptic.console",
        "panoptic.machine",
        "panoptic.provenance",
        "panoptic.target",
        "panoptic.reporting",
        "panoptic.runs",
        "panoptic.findings",
        "panoptic.synopsis",
        "panoptic.dossier",
    },
    # A door reads its own section of the settings, so it may see their type.
    "data_fetchers": {"panoptic.catalogues", "panoptic.config"},
    "data_processor": {
        "panoptic.catalogues.table",
        "panoptic.duplicates",
        "panoptic.sample",
        "panoptic.orbits",
    },
    "statistical_analysis": {
        "panoptic.anchor_files",
        "panoptic.config",
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.sample",
        "panoptic.target",
        "panoptic.findings",
        "panoptic.migration_request",
        "panoptic.statement",
    },
    "visualization": {
        "panoptic.figures",
        "panoptic.findings",
        "panoptic.reporting.formats",
        "panoptic.sample",
        "panoptic.statement",
    },
    "panoptic.runs": {"panoptic.findings", "panoptic.reporting"},
    "panoptic.findings": {
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.sample",
        "panoptic.target",
        "panoptic.statement",
        "panoptic.reporting.artifacts",
    },
    "panoptic.dossier": {
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.findings",
        "panoptic.headlines",
        "panoptic.reporting.html_report",
        "panoptic.sample",
        "panoptic.statement",
        "panoptic.synopsis",
    },
    "panoptic.headlines": {
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.findings",
        "panoptic.statement",
    },
    "panoptic.synopsis": {
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.findings",
        "panoptic.headlines",
        "panoptic.reporting.summary",
        "panoptic.sample",
        "panoptic.statement",
    },
    "panoptic.figures": {
        "panoptic.demographics",
        "panoptic.dynamics",
        "panoptic.sample",
        "panoptic.target",
        "panoptic.statement",
    },
    # The vocabulary of the stacked table (kinds of e, mass provenance) is sample's.
    "panoptic.demographics": {
        "panoptic.orbits",
        "panoptic.stars",
        "panoptic.statement",
        "panoptic.sample",
    },
    "panoptic.dynamics": {"panoptic.orbits", "panoptic.stars", "panoptic.statement"},
    "panoptic.catalogues": {"panoptic.orbits"},
    "panoptic.sample": set(),
    "panoptic.duplicates": set(),
    "panoptic.target": set(),
    "panoptic.orbits": set(),
    "panoptic.stars": set(),
    "panoptic.reporting": {"panoptic.statement"},
    "panoptic.command_line": {"panoptic.config", "panoptic.target"},
    "panoptic.console": {"panoptic.reporting.run_log"},
    "panoptic.config": set(),
    "panoptic.machine": set(),
    "panoptic.anchor_files": {"panoptic.demographics.anchors"},
    "panoptic.migration_request": {
        "panoptic.config",
        "panoptic.demographics.companions",
        "panoptic.dynamics",
        "panoptic.sample",
        "panoptic.target",
    },
    "panoptic.provenance": {
        "panoptic.catalogues.table",
        "panoptic.command_line",
        "panoptic.config",
        "panoptic.findings",
        "panoptic.reporting.environment",
    },
    "panoptic.statement": set(),
    "panoptic.constants": set(),
    "panoptic.failures": set(),
    "panoptic": set(),
}


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {
    _module_name(path): path
    for path in sorted([*ROOT.glob("*.py"), *(ROOT / "panoptic").rglob("*.py")])
}


def _imported(name: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(PATHS[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in PATHS else str(node.module))
    return found


def _ours(name: str) -> set[str]:
    return {module for module in _imported(name) if module in PATHS} - {name}


def _rule(name: str) -> str:
    while name not in MAY_IMPORT:
        name = name.rpartition(".")[0]
    return name


def _within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(f"{allowed}.")


@pytest.mark.parametrize("name", PATHS)
def test_imports_follow_the_rules(name):
    rule = _rule(name)
    allowed = MAY_IMPORT[rule] | ({rule} if "." in rule else set())
    wrong = {
        module
        for module in _ours(name) - EVERYWHERE
        if not any(_within(module, place) for place in allowed)
    }
    assert not wrong


def test_there_are_no_circles():
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for module in sorted(_ours(name)):
                visit(module, (*path, name))
            done.add(name)

    for name in PATHS:
        visit(name, ())


def test_the_list_of_rules_has_no_ghosts():
    assert {rule for rule in MAY_IMPORT if rule not in PATHS} == set()


@pytest.mark.parametrize("name", sorted(set(PATHS) - {"panoptic.console"}))
def test_only_the_console_draws_progress_bars(name):
    assert "tqdm" not in _imported(name)


@pytest.mark.parametrize("name", PATHS)
def test_importing_does_no_work(name, monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", [])
    importlib.import_module(name)
    assert capfd.readouterr() == ("", "")
