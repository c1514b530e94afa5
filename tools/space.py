"""Put a Hugging Face Space together: `PYTHON tools/space.py OUT STORE…`.

OUT becomes a folder to push: the Dockerfile and README of `deploy/space/`, a wheel of this
checkout, the locks that it is installed by, and copies of the stores' records.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make(out: Path, stores: Sequence[Path]) -> None:
    """Write the folder, which must not be there yet.

    Args:
        out: the folder.
        stores: folders of records.

    Raises:
        FileExistsError: `out` is there.
    """
    shutil.copytree(ROOT / "deploy" / "space", out)
    for name in ("base.txt", "pip.txt", "build.txt"):
        shutil.copy(ROOT / "locks" / name, out)
    command = [sys.executable, "-P", "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True)
    for store in stores:
        shutil.copytree(store, out / "records" / store.name, ignore=shutil.ignore_patterns(".*"))


def main(arguments: Sequence[str]) -> int:
    """Make the folder, or say why not."""
    if len(arguments) < 2:
        print("usage: tools/space.py OUT STORE…", file=sys.stderr)
        return 3
    out, *stores = map(Path, arguments)
    missing = [str(store) for store in stores if not store.is_dir()]
    if missing or out.exists():
        why = f"{out} is there already" if out.exists() else f"there is no folder {missing[0]}"
        print(f"space: {why}", file=sys.stderr)
        return 3
    make(out, stores)
    print(f"{out} is ready: push it to a Space of the kind Docker")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
