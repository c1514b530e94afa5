"""Stores to write out."""

from __future__ import annotations

from tests.support.stores import damaged, empty, good, hostile

__all__ = ["damaged", "empty", "good", "hostile"]
