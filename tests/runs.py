"""How the tests call the command."""

from pathlib import Path

SMALL = ["--quick", "--bootstrap", "20", "--permutations", "19", "--kl_grid", "4x3"]


def command(folder: Path, *options: str) -> list[str]:
    logs = ["--logdir", str(folder / "logs"), "--errordir", str(folder / "errors")]
    return ["--outdir", str(folder / "results"), *logs, *options]
