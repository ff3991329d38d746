"""How the tests call the command."""

from pathlib import Path

SMALL = [
    *("--quick", "--bootstrap", "20", "--permutations", "19"),
    *("--kl_grid", "4x3", "--kl_changed_trials", "1"),
]


def command(folder: Path, *options: str) -> list[str]:
    logs = ["--logdir", str(folder / "logs"), "--errordir", str(folder / "errors")]
    return ["--outdir", str(folder / "results"), *logs, *options]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run but the manifest, which holds times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", ".lock")
    }
