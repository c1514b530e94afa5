"""Tabs of a Chromium that nothing inspects, and how long each takes to show a page.

An inspector, which Playwright attaches to every page, makes V8 find the source positions of all
that stands on the stack wherever a script makes an error object, and parse it again for that:
plotly's script alone then takes a second instead of 0.4. So an extension watches the page from
inside and writes the time into the page's title, which Chromium tells without an inspector.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
SETTLED_S = 3.0
"""Seconds that a page stays open: Chromium keeps compiled scripts when there is time."""
MARK = "shown after "
WATCH = """
const look = () => {
  if (!PARTS.every(part => document.querySelector(part))) return;
  seen.disconnect();
  const title = MARK + performance.now();
  setInterval(() => { document.title = title }, 50);
};
const seen = new MutationObserver(look);
seen.observe(document, {childList: true, subtree: true});
"""
MANIFEST = {
    "manifest_version": 3,
    "name": "watch",
    "version": "1",
    "content_scripts": [
        {"matches": ["http://127.0.0.1/*"], "js": ["watch.js"], "run_at": "document_start"}
    ],
}


def program() -> str | None:
    """The system's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium with a profile of its own."""

    address: str

    def opened(self, url: str, *, timeout_s: float = 120) -> float:
        """Seconds from the start of a new tab's navigation until the page has all its parts.

        Raises:
            TimeoutError: they did not all appear.
        """
        tab = self._ask("PUT", f"new?{urllib.parse.quote(url, safe=':/?=&')}")
        end = time.monotonic() + timeout_s
        try:
            while time.monotonic() < end:
                time.sleep(0.2)
                titles = {one["id"]: str(one["title"]) for one in self._ask("GET", "list")}
                if titles.get(tab["id"], "").startswith(MARK):
                    time.sleep(SETTLED_S)
                    return float(titles[tab["id"]].removeprefix(MARK)) / 1000
        finally:
            with self._request("GET", f"close/{tab['id']}"):
                pass
        raise TimeoutError(f"{url} did not appear within {timeout_s:g} s")

    def _ask(self, method: str, what: str) -> Any:
        with self._request(method, what) as answer:
            return json.load(answer)

    def _request(self, method: str, what: str) -> Any:
        request = urllib.request.Request(f"{self.address}/json/{what}", method=method)
        return urllib.request.urlopen(request, timeout=30)


@contextlib.contextmanager
def browser(parts: Sequence[str]) -> Iterator[Browser]:
    """A Chromium that has been nowhere yet, and what a page must have (CSS selectors) to be shown.

    Raises:
        SystemExit: there is no Chromium, or it does not start.
    """
    if (chromium := program()) is None:
        raise SystemExit("no chromium is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile, watcher = Path(folder, "profile"), Path(folder, "watch")
        watcher.mkdir()
        watcher.joinpath("manifest.json").write_text(json.dumps(MANIFEST), "utf-8")
        told = f"const MARK = {json.dumps(MARK)}, PARTS = {json.dumps(list(parts))};"
        watcher.joinpath("watch.js").write_text(told + WATCH, "utf-8")
        process = subprocess.Popen(
            [chromium, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}",
             "--disable-features=DisableLoadExtensionCommandLineSwitch",
             f"--load-extension={watcher}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield Browser(f"http://127.0.0.1:{_port(profile / 'DevToolsActivePort')}")
        finally:
            process.terminate()
            process.wait()


def _port(path: Path) -> int:
    for _ in range(100):
        time.sleep(0.1)
        with contextlib.suppress(FileNotFoundError):
            if lines := path.read_text("utf-8").splitlines():
                return int(lines[0])
    raise SystemExit("chromium did not start")
