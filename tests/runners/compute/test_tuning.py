"""Settings of the system, as the kernel shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.compute.machine import machine
from runners.compute.tuning import governors, transparent_hugepage


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("always [madvise] never\n", "madvise"),
        ("[always] madvise never\n", "always"),
        ("always madvise [never]\n", "never"),
        ("", None),
    ],
)
def test_the_setting_in_brackets_holds(tmp_path: Path, text: str, setting: str | None) -> None:
    path = tmp_path / "enabled"
    path.write_text(text)
    assert transparent_hugepage(path) == setting


def test_what_a_system_does_not_show(tmp_path: Path) -> None:
    assert transparent_hugepage(tmp_path / "enabled") is None
    assert governors(tmp_path) == ()


def test_each_governor_once(tmp_path: Path) -> None:
    for core, name in enumerate(["powersave", "performance", "powersave"]):
        (tmp_path / f"cpu{core}" / "cpufreq").mkdir(parents=True)
        (tmp_path / f"cpu{core}" / "cpufreq" / "scaling_governor").write_text(f"{name}\n")
    assert governors(tmp_path) == ("performance", "powersave")


def test_they_make_no_other_machine() -> None:
    from dataclasses import replace

    here = machine()
    other = replace(here, transparent_hugepage="never", governors=("schedutil",))
    assert other.fingerprint == here.fingerprint
