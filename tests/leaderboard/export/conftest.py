"""Stores to write out."""

from __future__ import annotations

from tests.support.stores import able, damaged, empty, failed, good, hostile, nightly

__all__ = ["able", "damaged", "empty", "failed", "good", "hostile", "nightly"]
