"""A run's part in a comparison that was given a time."""

from __future__ import annotations

from runners.records.parts import Part
from runners.records.values import Count, Seconds, Size


class LooksInfo(Part):
    """Part of a run in a comparison that was given a time (`weighin run --time`)."""

    plan: str
    """Key of the comparison: the same for the same candidates, asked the same in the same time."""
    time_s: Seconds
    """Time that the whole comparison was given."""
    look: Count
    """The look until which the candidate was asked, from 1; 0: none was reached."""
    looks: Count
    """Looks that the comparison took in all, where that was known; else the same as `look`."""
    critical_z: Size
    """Standard errors of their difference that two candidates had to lie apart at that look. All
    looks and pairs together then err in 5 % of comparisons."""
    stopped: str = ""
    """Why it was asked no further; empty where it stayed until the end."""
