"""Runtime `fake` as the parent knows it: no model, and as bad as it is told to be."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runners.runtimes.spec import EVERYTHING, RuntimeSpec, Settings


class FakeSettings(Settings):
    """Settings of the runtime `fake`."""

    fake: dict[str, Any] = Field(default_factory=dict)
    """Options, listed in runners/runtimes/fake/options.py."""


SPEC = RuntimeSpec(
    name="fake",
    code="runners.runtimes.fake.runtime:Fake",
    settings=FakeSettings,
    weights="none",
    can=EVERYTHING,
    packages=("weighin",),
)
