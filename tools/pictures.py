"""Take the README's pictures of the board on the reference runs: `make pictures`.

Each is one window of the light theme, all of one size, in 256 colours. It needs the system's
Chromium and the packages of the tests.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

WIDTH, HEIGHT = 1280, 1200
PAGES = {"overview": "", "candidate": "candidate", "compare": "compare"}
"""Picture -> the page in the board's address; each opens with the recommendation."""
DRAWN_MS = 1500
"""What a page takes to place its labels after its last element is there."""


@contextmanager
def board() -> Iterator[str]:
    """The address of a board on the reference runs."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("weighin")), "board", "--no-browser", "--theme", "light",
        "--port", str(port), "--store", str(ROOT / "results" / "reference"),
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            process.stderr.readline()  # it listens
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)


def take(folder: Path) -> None:
    """Write a picture a page as it is on the screen."""
    from playwright.sync_api import sync_playwright

    from benchmarks.tabs import FLAGS, program

    with sync_playwright() as playwright, board() as address:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, path in PAGES.items():
            page.goto(f"{address}/{path}")
            page.wait_for_selector("nav.pages", state="attached")  # the last element
            page.wait_for_selector(".js-plotly-plot .main-svg")
            page.wait_for_timeout(DRAWN_MS)
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


def main() -> None:
    """Take them all and keep each in 256 colours."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        take(Path(folder))
        for name in PAGES:
            with Image.open(Path(folder) / f"{name}.png") as found:
                target = ROOT / "docs" / f"board-{name}.png"
                found.convert("RGB").quantize(256).save(target, optimize=True)
                print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
