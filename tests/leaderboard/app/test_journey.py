"""One journey through the board in a real browser: what AppTest cannot see."""

from __future__ import annotations

import csv
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.leaderboard.app.conftest import REFERENCE, peak_of
from tests.support.browser import chromium, needs_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from leaderboard.rows.row import Row

PATIENCE_MS = 60_000
MEMORY = "Number(new URL(location).searchParams.get('memory_mib') ?? 1e9)"
"""The budget in the address, MiB."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A board on a copy of the reference runs, served by the command."""
    store = tmp_path / "store"
    shutil.copytree(REFERENCE, store)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("weighin")), "board", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--store", str(store), "--theme", "light"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr
            assert "the board is at" in process.stderr.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, address: str, said: list[str]) -> Page:
    """A new session; what the browser's console complains of is added to `said`."""
    page = browser.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".answer .claim")
    page.wait_for_selector(".js-plotly-plot .point")
    return page


def claim(page: Page) -> str:
    return page.inner_text(".answer .claim")


def ships(row: Row) -> str:
    """How the answer begins that names this candidate."""
    return f"Ship {row.record.candidate.name}: "


@needs_chromium
def test_from_a_budget_to_a_comparison(address: str, browser: Browser, reference_rows: list[Row]):
    errors: list[str] = []
    page = opened(browser, address, errors)
    before = claim(page)
    assert before.startswith(ships(min(reference_rows, key=peak_of)))

    # A smaller memory than the most accurate needs is typed.
    limit = round(peak_of(reference_rows[0])) - 1
    smaller = f"() => {MEMORY} === {limit}"
    box = page.get_by_label("max memory, MiB")
    box.fill(str(limit))
    box.press("Enter")
    page.wait_for_function(smaller)
    page.wait_for_function(
        "before => document.querySelector('.answer .claim')?.innerText !== before", arg=before
    )
    after = claim(page)
    budget = page.evaluate(MEMORY)
    fitting = [row for row in reference_rows if peak_of(row) <= budget]
    assert 0 < len(fitting) < len(reference_rows)
    assert after.startswith(ships(min(fitting, key=peak_of)))

    # The copied link shows the same to somebody else.
    other = opened(browser, page.evaluate("location.href"), errors)
    assert claim(other) == after
    other.close()

    # What the table shows can be taken along.
    page.get_by_role("button", name="Take along").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    page.keyboard.press("Escape")
    rows = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
    unfit = len(reference_rows) - len(fitting)
    assert [row["fits"] for row in rows] == ["True"] * len(fitting) + ["False"] * unfit
    assert rows[0]["candidate"] == fitting[0].record.candidate.name

    # A click on a head sorts, in the address, too: the most tokens a second come first.
    page.get_by_role("button", name="decode tokens/s").click()
    page.wait_for_function("new URL(location).searchParams.get('sort') === '-decode'")
    page.wait_for_selector("th[aria-sort=descending] >> text=decode")
    values = page.evaluate("""() => {
      const head = document.querySelector(".ranked th[aria-sort=descending]");
      return [...document.querySelectorAll(".ranked tbody tr")]
        .map(row => +row.cells[head.cellIndex].dataset.value);
    }""")
    assert values == sorted(values, reverse=True)
    assert len(values) == len(reference_rows)

    # Two are ticked and compared.
    for count, name in enumerate(("q8_0", "q2_k"), start=1):
        page.get_by_role("checkbox", name=f"tick smollm2-135m-instruct-{name}").check()
        page.wait_for_function(
            "n => new URL(location).searchParams.getAll('candidate').length === n", arg=count
        )
    page.get_by_role("button", name="Compare 2 ticked").click()
    page.wait_for_url("**/compare?**")
    page.get_by_text("Items where they differ").wait_for()
    assert "q2_k" in page.inner_text("[data-testid=stMain]")

    # From the plot to a candidate; the budget goes along.
    page.get_by_role("link", name="Overview").first.click()
    page.wait_for_selector(".js-plotly-plot .point")
    page.wait_for_function(smaller)
    assert claim(page) == after
    page.locator(".js-plotly-plot .point").last.click(force=True)
    page.wait_for_url("**/candidate?**")
    page.get_by_role("heading", name="smollm2-135m-instruct-").first.wait_for()
    assert "memory_mib=" in page.url

    assert errors == []
