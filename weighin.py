"""The command: `weighin`, or `python -m weighin`. It first sees that its packages are its own.

Their names are plain words, which another distribution may have, too: the one that was installed
last, or stands first on the path, wins, and anything may follow.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {"evals": "suites.py", "runners": "worker/protocol.py", "leaderboard": "rows/row.py"}
"""Each package, and a file that only ours has."""


def foreign() -> str:
    """A sentence about a package that another distribution brought; empty where none did."""
    home = Path(__file__).resolve().parent
    for name, ours in PACKAGES.items():
        spec = find_spec(name)
        origin = spec.origin if spec is not None else None
        if origin is None:
            return f"package {name} is missing or another's: {_install()}"
        found = Path(origin).resolve().parent
        if found != home / name or not (found / ours).is_file():
            return f"package {name} is another distribution's ({found}): {_install()}"
    return ""


def _install() -> str:
    return "install weighin in an environment of its own: uv tool install weighin, or pipx"


def main() -> None:
    """Run the command line, unless a package is not ours."""
    if said := foreign():
        print(f"weighin: {said}", file=sys.stderr)
        sys.exit(3)
    from runners.cli import main as run

    run()


if __name__ == "__main__":
    main()
