"""Stores to write out."""

from __future__ import annotations

from tests.support.stores import damaged, empty, failed, good, hostile, nightly

__all__ = ["damaged", "empty", "failed", "good", "hostile", "nightly"]
