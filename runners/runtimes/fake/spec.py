"""Runtime `fake` as the parent knows it: no model, and as bad as it is told to be."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runners.runtimes.spec import EVERYTHING, RuntimeSpec, Settings


class FakeSettings(Settings):
    """What the fake is told."""

    fake: dict[str, Any] = Field(default_factory=dict)
    """Its options; runners/runtimes/fake/options.py lists them."""


SPEC = RuntimeSpec(
    name="fake",
    code="runners.runtimes.fake.runtime:Fake",
    settings=FakeSettings,
    weights="none",
    can=EVERYTHING,
    packages=("weighin",),
)
