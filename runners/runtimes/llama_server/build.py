"""Where a llama-server lies that tools/llama_server.py compiled. Standard library alone."""

from __future__ import annotations

from pathlib import Path

from evals.fetch.cache import cache_root

PROGRAM = "llama-server"
NOTE = "server.json"
"""Version of llama-cpp-python and commit of llama.cpp that it was compiled from."""


def built_folder(version: str) -> Path:
    """The folder for a program that carries the llama.cpp of one release of llama-cpp-python."""
    return cache_root() / "builds" / f"{PROGRAM}-{version}"


def built_folders() -> list[Path]:
    """Folders in which a program is whole, the one that was compiled last first."""
    folders = (cache_root() / "builds").glob(f"{PROGRAM}-*")
    whole = [folder for folder in folders if (folder / PROGRAM).is_file()]
    return sorted(whole, key=lambda folder: (folder / PROGRAM).stat().st_mtime, reverse=True)
