"""Stores to write out."""

from __future__ import annotations

from tests.support.stores import damaged, empty, failed, good, hostile

__all__ = ["damaged", "empty", "failed", "good", "hostile"]
