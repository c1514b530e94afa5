"""A process and its descendants by the kernel's own lists; standard library alone."""

from __future__ import annotations

from pathlib import Path


def listed_tree(pid: int) -> tuple[int, ...] | None:
    """The process and its living descendants, the process first, by /proc/PID/task/TID/children.

    Returns:
        None where the kernel has no such files, or the process is gone.
    """
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            lists = [(thread / "children").read_text(encoding="ascii") for thread in threads]
        except OSError:
            if one == pid:
                return None
            continue  # a descendant that has exited meanwhile
        found.extend(int(child) for children in lists for child in children.split())
    return tuple(found)
