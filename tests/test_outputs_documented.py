"""docs/outputs.md and docs/schemas/ against the code and against a real run."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from panoptic.findings import ARRAYS, JSON_FILES, TABLES
from panoptic.reporting.artifacts import read_arrays, read_table_meta

ROOT = Path(__file__).parent.parent


def test_the_dictionary_is_made_from_the_code_as_it_stands():
    command = [sys.executable, "tools/build_output_docs.py", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()


# Only there when it is asked for; its columns are tested with the fetching.
OPTIONAL = {"outer_perturbers"}


@pytest.mark.parametrize("name", sorted(set(TABLES) - OPTIONAL))
def test_every_column_of_a_real_table_has_a_meaning(results, name):
    columns = read_table_meta(results / f"{name}.csv")["columns"]
    assert [column["name"] for column in columns] == list(TABLES[name].columns)
    assert all(column["meaning"] for column in columns)


@pytest.mark.parametrize("name", ARRAYS)
def test_every_array_of_a_real_map_has_a_meaning(results, name):
    assert set(read_arrays(results / f"{name}.npz")) == set(ARRAYS[name].columns)


@pytest.mark.parametrize("name", JSON_FILES)
def test_real_json_fits_its_schema(results, name):
    schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema.validate(json.loads((results / f"{name}.json").read_text()), schema)


def test_no_file_of_a_real_run_is_undocumented(results):
    page = (ROOT / "docs" / "outputs.md").read_text()
    for path in results.iterdir():
        generic = path.name.startswith(("fig", "inputs", "."))
        assert generic or path.name.replace(".meta.json", ".csv") in page


def test_no_key_of_the_dictionary_is_without_a_meaning():
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    assert [row for row in page.splitlines() if row.endswith("|  |")] == []
