"""The view: every filter of the board (`leaderboard.rows.address` has its form in an address).

Numbers are in the units that people set them in, which the names say; `limits` turns them into
seconds and bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from leaderboard.rows.metrics import limited

Prefer = Literal["smallest", "fastest", "accurate"]
PREFERENCES: tuple[Prefer, ...] = get_args(Prefer)
"""Preferences among the candidates that tie with the most accurate."""
MOST_WEIGHT = 100.0
UNLIMITED = (
    "limits", "licences", "families", "architectures", "runtimes", "classes", "weights",
    "ability_weights", "ability_limits", "prefer", "perplexity_percent",
)  # fmt: skip
"""The fields that say what fits and how it is scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of the board; a default says that nothing was chosen."""

    machine: str = ""
    """Fingerprint; empty: the board's own machine, else the one that was measured last."""
    suite: str = ""
    """Digest; empty: the one with the most candidates."""
    budget: str = ""
    """Budget as in `leaderboard.rows.conditions.Place`; empty: without one."""
    builds: tuple[str, ...] = ()
    """Builds to show, at most one of each runtime; of a runtime that is not named, that with most
    candidates."""
    limits: tuple[tuple[str, float], ...] = ()
    """Limits by key of METRICS and in their order, in the unit that they are shown in."""
    licences: tuple[str, ...] = ()
    """Licences that are admitted; empty: any. So are the next three."""
    families: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Classes that are admitted (`leaderboard.rows.classes`)."""
    weights: tuple[tuple[str, float], ...] = ()
    """Weight of each task or group in the mean accuracy; those equal to 1 are left out."""
    ability_weights: tuple[tuple[str, float], ...] = ()
    """Weight of each ability in the mean accuracy, 0 where not named; empty: tasks count alike."""
    ability_limits: tuple[tuple[str, float], ...] = ()
    """Least score of an ability, per cent."""
    measured: tuple[str, ...] = ()
    """Abilities that the suite must measure, where none is named."""
    prefer: Prefer = "smallest"
    """Preference among those that tie with the most accurate."""
    x: str = "memory"
    """Horizontal axis of the trade-off plot, one of `metrics.axes`."""
    columns: tuple[str, ...] = ()
    """Extra columns of the ranked table; empty: its usual ones."""
    sort: str = ""
    """Column; a minus in front: from the largest down. Empty: by rank."""
    search: str = ""
    candidates: tuple[str, ...] = ()
    """Digests: the one that the Candidate panel shows, and those that Compare compares, which are
    ticked in the ranked table."""
    sides: tuple[str, ...] = ()
    """Two runs that Compare compares instead of candidates, the reference first."""
    pins: tuple[str, ...] = ()
    """Digests of those that stand on top of the ranked table, whatever is searched for."""
    run: str = ""
    """A single run of that candidate; empty: the newest that was scored."""
    family: str = ""
    """Family of the page on quantisations."""
    name: str = ""
    """Candidate by name, over all its versions: of the history."""
    other: str = ""
    """Digest: of those that Compare compares with the first, the one shown in detail."""
    history: str = ""
    """The number that the history follows."""
    workload: str = ""
    task: str = ""
    items: str = ""
    """Text to search for among items that two candidates answered differently."""
    term: str = ""
    """Word of the glossary that the page on the method begins with."""
    margin_points: float | None = None
    """Largest acceptable loss of accuracy, in percentage points."""
    perplexity_percent: float | None = None
    """Largest acceptable increase of the perplexity of the reference's answers, per cent."""
    model: str = ""
    """Model to write a command for: as it was typed."""
    against: str = ""
    """What the command holds it against."""
    on_suite: str = ""
    """Name of the command's suite; empty: its default."""
    on_budget: str = ""
    """Name of the command's budget; empty: none."""
    on_gpu: str = ""
    """Layers that the command puts on a GPU: `all`; empty: none."""
    repeats: float | None = None
    """Process runs of the command; None: one."""

    headroom_percent: float | None = None
    """Share of a computer's memory that is kept for the app; None: the usual one."""

    def limit(self, key: str) -> float | None:
        """The limit on a metric, as it is shown; None: anything goes."""
        return dict(self.limits).get(key)

    def limits_with(self, key: str, value: float | None) -> tuple[tuple[str, float], ...]:
        """The limits with one of them set, or taken away where its value is None."""
        found = {**dict(self.limits), key: value}
        ordered = [(metric.key, found.get(metric.key)) for metric, _ in limited()]
        return tuple((name, limit) for name, limit in ordered if limit is not None)
