"""Write the bill of materials of a release from the locks: `PYTHON tools/sbom.py [FOLDER]`.

CycloneDX JSON of what a user installs: weighin, its dependencies and every extra but those of its
developers. Nothing is fetched, and the same locks give the same file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from lock import LOCKS, stanzas  # noqa: E402  # a script's folder is not a package

SHIPPED = ("pip", "base", "llamacpp", "hf", "openvino", "mlx", "bench", "cuda")


def merged() -> str:
    """The shipped locks as one; what two extras share is in it once."""
    pins: dict[str, list[str]] = {}
    for name in SHIPPED:
        pins.update(stanzas((LOCKS / f"{name}.txt").read_text(encoding="utf-8")))
    return "".join("".join(pins[name]) for name in sorted(pins))


def main() -> int:
    """Write `FOLDER/weighin-VERSION.cdx.json`, by default in `dist`."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    target = folder / f"{project['name']}-{project['version']}.cdx.json"
    folder.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.executable).with_name("cyclonedx-py"))
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "requirements.txt"
        listed.write_text(merged(), encoding="utf-8")
        command = [program, "requirements", "--pyproject", str(ROOT / "pyproject.toml")]
        command += ["--output-reproducible", "--output-file", str(target), str(listed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"sbom: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return 3
    print(f"sbom: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
