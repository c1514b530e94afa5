"""Keep a user's own pip settings from changing what pip installs for us, and where.

Where packages come from and how they are reached (indexes, certificates, proxies, time-outs) is
the user's; what may be installed and where to is ours.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = {
    "PIP_BUILD_CONSTRAINT": os.devnull,
    "PIP_CONSTRAINT": os.devnull,
    "PIP_NO_BINARY": ":none:",
    "PIP_ONLY_BINARY": ":none:",
    "PIP_PRE": "0",
    "PIP_REQUIRE_HASHES": "0",
    "PIP_USER": "0",
}
"""Said instead of left out: pip reads its configuration file where a variable is missing."""
DROPPED = (
    "PIP_DRY_RUN", "PIP_EDITABLE", "PIP_NO_DEPS", "PIP_PLATFORM", "PIP_PREFIX",
    "PIP_PYTHON", "PIP_PYTHON_VERSION", "PIP_REPORT", "PIP_REQUIREMENT", "PIP_ROOT", "PIP_TARGET",
    "PIP_UPGRADE",
)  # fmt: skip
"""Settings dropped from the environment, since they have no value that means "not set"."""


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for a call of pip that says itself what is installed, and checks hashes."""
    kept = {name: value for name, value in environment.items() if name not in DROPPED}
    return {**kept, **OURS}
