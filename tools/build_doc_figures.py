"""docs/figures/: small renders of a finished run's figures, for the README and docs.

python tools/build_doc_figures.py RESULTS
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import visualization  # noqa: E402
from panoptic.findings import load_results  # noqa: E402

DPI = 110


def main(folder: Path) -> int:
    target = ROOT / "docs" / "figures"
    target.mkdir(exist_ok=True)
    for old in target.glob("*.png"):
        old.unlink()
    for name, drawn in visualization.draw(load_results(folder)).items():
        path = target / f"{name}.png"
        drawn.figure.savefig(path, dpi=DPI, metadata={"Software": None})
        print(path.relative_to(ROOT), f"{path.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
