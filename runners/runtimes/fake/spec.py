"""Runtime `fake` as the parent knows it: no model, and as bad as it is told to be."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runners.runtimes.fake.device import fake_devices
from runners.runtimes.gpu_settings import GpuSettings
from runners.runtimes.spec import EVERYTHING, RuntimeSpec


class FakeSettings(GpuSettings):
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
    tells_gpu=True,
    find_devices=lambda settings: tuple(fake_devices(settings.fake.get("device", ""))),
    no_device="settings: {fake: {device: NAME}} gives it one",
)
