"""Put a Hugging Face Space together: `PYTHON tools/space.py OUT STORE…`.

OUT becomes a folder to upload: the Dockerfile and README of `deploy/space/`, a wheel of this
checkout, the locks that it is installed by, and the stores' records as `weighin push` would send
them: without paths, names of host and user, and prompts, and without runs on one's own questions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from evals.errors import RecordError
from runners.hub.leaving import leaving, own_data
from runners.hub.push import contents
from runners.records.record import Record
from runners.records.store import SAMPLES, Store

ROOT = Path(__file__).resolve().parents[1]


def make(out: Path, stores: Sequence[Path]) -> None:
    """Write the folder, which must not be there yet.

    Args:
        out: the folder.
        stores: folders of records.

    Raises:
        FileExistsError: `out` is there.
        RecordError: samples are damaged.
    """
    shutil.copytree(ROOT / "deploy" / "space", out)
    for name in ("base.txt", "pip.txt", "build.txt"):
        shutil.copy(ROOT / "locks" / name, out)
    command = [sys.executable, "-P", "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True)
    for store in stores:
        copy_runs(Store(store), out / "records" / store.name)


def copy_runs(store: Store, out: Path) -> None:
    """Copy the records that may be seen by anybody; what is left out is said."""
    for record in store.records():
        if isinstance(record, RecordError):
            print(f"left out: {record}", file=sys.stderr)
        elif own_data(record):
            print(f"left out: {record.run_id}: has your own questions", file=sys.stderr)
        else:
            copy_run(store, record, out / record.run_id)


def copy_run(store: Store, record: Record, out: Path) -> None:
    """Copy one run as it may leave this machine."""
    has_samples = (store.root / record.run_id / SAMPLES).exists()
    samples = store.answers(record) if has_samples else None
    out.mkdir(parents=True)
    for path, content in contents(leaving(record, samples, prompts=False)):
        (out / Path(path).name).write_bytes(content)


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
    print(f"{out} is ready; its README.md says how to upload it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
