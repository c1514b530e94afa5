"""The system's Chromium, for tests of what a browser makes of a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.tabs import FLAGS, program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = program() or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and "WEIGHIN_JOURNEY" not in os.environ,
    reason="no Chromium on the PATH (Debian: apt-get install chromium)",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, closed at the end."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "WEIGHIN_JOURNEY asks for a browser, and there is no Chromium on the PATH"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()
