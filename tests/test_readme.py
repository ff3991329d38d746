"""The README keeps its word: its Python runs, its tables are those of the code."""

import re
from pathlib import Path

from panoptic.failures import ExitCode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs_as_it_stands(results, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "results").symlink_to(results)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert len(blocks) == 4
    assert len(names["sample"].main) == 60
    assert names["mixture"].chosen_k in (1, 2)
    assert "fig1_massmass" in names["figures"]


def test_every_exit_code_is_in_the_readme():
    for code in ExitCode:
        assert f"| {code:d} | {code.meaning} |" in README


def test_no_mark_of_the_making_is_left():
    assert "@@" not in README
