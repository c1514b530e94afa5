"""The gate's policy: what is judged, by which margins, and what "cannot tell" comes to.

A policy is a YAML file; what it leaves out is the default, and unknown keys are refused:

    alpha: 0.05
    on_cannot_tell: pass
    metrics:
      accuracy: {margin: 0.02}
      peak_bytes: {margin: 5%, minimum: 8MiB, severity: warn}
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from evals.errors import did_you_mean
from evals.quantities import parse_bytes
from evals.spec_file import check_spec, read_yaml
from leaderboard.rows.metrics import gated

Severity = Literal["fail", "warn", "auto", "ignore"]
MOST_MARGIN = 10.0
_UNITS = {"s": 1.0, "ms": 1e-3}


def _share(value: object) -> object:
    """`5%` as 0.05; numbers as they are."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value) if isinstance(value, str) else None
    return value if found is None else float(found[1]) / 100


def _amount(value: object) -> object:
    """`8MiB` in bytes, `5ms` in seconds; numbers as they are."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*([0-9.]+)\s*(m?s)\s*", value)
    return float(found[1]) * _UNITS[found[2]] if found else parse_bytes(value)


class Rule(BaseModel):
    """Rule by which one metric is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: Annotated[float, BeforeValidator(_share), Field(gt=0, le=MOST_MARGIN)]
    """The largest acceptable loss: a share of the baseline, for accuracy a share of 1."""
    minimum: Annotated[float, BeforeValidator(_amount), Field(ge=0, allow_inf_nan=False)] = 0.0
    """A smaller change is none, in the metric's own unit; for tiny candidates, of whose
    milliseconds and bytes a share is nothing. Not for accuracy."""
    severity: Severity = "fail"
    """Effect of the metric on the verdict. fail: counts. warn: is shown. auto: fails where there
    are enough pairs of interleaved runs (fidelity: where both come from the same weights), else
    warns. ignore: is not judged."""

    def log_margin(self, baseline: float, *, more_is_better: bool) -> float:
        """The margin as the logarithm of a ratio, worse over better; the wider of the two."""
        wide = math.log1p(self.margin)
        if not self.minimum:
            return wide
        if more_is_better:
            share = self.minimum / baseline
            return max(wide, -math.log1p(-share)) if share < 1 else math.inf
        return max(wide, math.log1p(self.minimum / baseline))


class Rules(BaseModel):
    """A rule a metric: those of the answers, and in `model_extra` those of METRICS by name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Rule] = Field(init=False)

    accuracy: Rule = Rule(margin=0.01)
    """The mean over the suite's tasks."""
    task: Rule = Rule(margin=0.03, severity="warn")
    """Each task or group by itself."""
    perplexity: Rule = Rule(margin=0.02)
    """Each perplexity, and bits per byte as the perplexity a byte."""
    fidelity: Rule = Rule(margin=0.02, severity="auto")
    """The perplexity ratio of the answers' texts; auto: fails where both sides come from the same
    weights."""
    tail: Rule = Rule(margin=0.25, minimum=0.001, severity="warn")
    """The slow end of a run's requests: TTFT, gaps between tokens, whole requests."""
    slowest_run: Rule = Rule(margin=0.50, minimum=0.005, severity="warn")
    """The slowest run of either side, compared and not tested."""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Give each metric of the table its rule, and refuse what is neither there nor a field."""
        if not isinstance(given, dict):
            return given
        usual = _usual()
        known = sorted([*cls.model_fields, *usual])
        for name in given:
            if name not in known:
                said = f'unknown key "{name}" in "metrics"{did_you_mean(str(name), known)}'
                raise PydanticCustomError("unknown_key", "{said}", {"said": said})
        return {**usual, **given}

    def rule(self, name: str) -> Rule:
        """The rule of a metric by its name."""
        found: Rule = getattr(self, name)
        return found


def _usual() -> dict[str, Rule]:
    """The rules of METRICS, those that fail a gate first."""
    order = ("fail", "auto", "warn")
    found = sorted(gated(), key=lambda one: order.index(one[1].severity))
    return {
        metric.name: Rule(margin=one.margin, minimum=one.minimum, severity=one.severity)
        for metric, one in found
    }


class Policy(BaseModel):
    """Policy of one gate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: Annotated[float, Field(gt=0, le=0.25)] = 0.05
    """The chance of any false alarm in the whole gate; each test is one-sided."""
    on_cannot_tell: Literal["pass", "warn", "fail"] = "warn"
    """Exit code of a gate that cannot tell: pass 0, warn 2, fail 1."""
    tasks: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The tasks and groups that count, in the mean, too; None: all."""
    metrics: Rules = Field(default_factory=Rules)


def read_policy(path: Path) -> Policy:
    """A policy from its file; what it leaves out of a metric's rule is that metric's default.

    Raises:
        SpecError: unreadable, or it names something unknown.
    """
    content = read_yaml(path)
    given = content.get("metrics")
    if isinstance(given, dict):
        default = Rules().model_dump()
        content["metrics"] = {
            name: _with_default(default.get(name), rule) for name, rule in given.items()
        }
    return check_spec(content, Policy, where=str(path))


def _with_default(default: dict[str, Any] | None, given: Any) -> Any:
    return {**default, **given} if default and isinstance(given, dict) else given


def fewest_pairs(alpha: float) -> int:
    """Pairs of runs below which a gate cannot fail without assuming how times are distributed.

    Were nothing changed, all n pairs would go the same given way with probability 2^-n; a test
    that trusts the signs alone cannot reach `alpha` with fewer. The t test could, but only because
    it takes the logarithms as normal, of which a handful of runs is no evidence.
    """
    return math.ceil(-math.log2(alpha))
