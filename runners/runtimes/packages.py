"""Read a package's installed version from its metadata; nothing is imported."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution


def package(name: str) -> Distribution | None:
    """An installed distribution; None where it is missing."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def installed(name: str) -> str | None:
    """The version of an installed distribution; None where it is missing."""
    found = package(name)
    return found.version if found else None
