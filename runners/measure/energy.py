"""Energy of the processor, from the counters that Linux publishes (RAPL), phase by phase.

A package's counter is of everything that runs on it, idle power included: of a candidate alone
there is no figure. Few virtual machines have it, and most systems let root alone read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from runners.compute.procfs import optional_text

POWERCAP = Path("/sys/class/powercap")
_PACKAGE = re.compile(r"package-\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One package's counter, in microjoules."""

    name: str
    path: Path
    range_uj: int
    """Value at which the counter wraps to 0; 262 kJ on many processors."""


class EnergyMeter:
    """Adds up what the packages use between two readings.

    A counter that starts again more than once between two readings cannot be told from one that
    does so once: at 200 W and a range of 262 kJ that takes 20 minutes.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._counters, self.reason = find_counters(root or POWERCAP)
        self._joules = 0.0
        self._last = self._read()

    @property
    def source(self) -> str | None:
        """Names of the counters read, as provenance; None where none can be read."""
        names = ", ".join(counter.name for counter in self._counters)
        return f"RAPL {names}, all that ran on it and idle power included" if names else None

    def add(self) -> None:
        """Take a reading in the middle of a long phase, so that a counter may start again."""
        now = self._read()
        if now is None or self._last is None:
            self._counters = ()
            self.reason = self.reason or "the counter could no longer be read"
            return
        for counter, before, after in zip(self._counters, self._last, now, strict=True):
            self._joules += rise_uj(before, after, counter.range_uj) / 1e6
        self._last = now

    def take(self) -> float | None:
        """Joules since this was last called; None where they cannot be read (`reason`)."""
        self.add()
        used, self._joules = self._joules, 0.0
        return used if self._counters else None

    def _read(self) -> list[int] | None:
        texts = [optional_text(counter.path) for counter in self._counters]
        return [int(text) for text in texts if text] if all(texts) else None


def find_counters(root: Path) -> tuple[tuple[Counter, ...], str | None]:
    """The packages' counters, and why there are none where there are none.

    One package may be there twice, through registers (`intel-rapl`, AMD's too) and through memory
    (`intel-rapl-mmio`): the first is taken. Parts of a package (core, dram) are left out: some
    are inside its figure and some are not, which the kernel does not say.
    """
    found: dict[str, Counter] = {}
    unread = False
    by_registers, by_memory = root.glob("intel-rapl:*"), root.glob("intel-rapl-mmio:*")
    for zone in (*sorted(by_registers), *sorted(by_memory)):
        name = (optional_text(zone / "name") or "").strip()
        if not _PACKAGE.fullmatch(name) or name in found:
            continue
        wrap = optional_text(zone / "max_energy_range_uj")
        if optional_text(zone / "energy_uj") is None or wrap is None:
            unread = True
            continue
        found[name] = Counter(name=name, path=zone / "energy_uj", range_uj=int(wrap))
    if unread:  # half of the packages would be half of the energy
        return (), "RAPL is there and may not be read: most systems allow it to root alone"
    if not found:
        return (), "this machine has no RAPL counter (few virtual machines have)"
    return tuple(found.values()), None


def rise_uj(before: int, after: int, range_uj: int) -> int:
    """Microjoules between two readings of a counter that starts at 0 again after `range_uj`.

    Source: the kernel's power/powercap/powercap.rst: energy_uj, max_energy_range_uj.
    """
    return after - before if after >= before else after - before + range_uj
