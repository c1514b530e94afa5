"""The exported file: complete, closed to the network, and with no text of a record as markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.export.site.names import candidate_name
from leaderboard.export.site.write import site
from leaderboard.pages.presets import Preset
from leaderboard.pages.stored import StoredLibrary
from leaderboard.pages.theme import DARK, LIGHT
from leaderboard.rows.view import View
from runners.records.store import Store
from tests.leaderboard.conftest import Maker
from tests.support.browser import chromium, needs_chromium
from tests.support.stores import HOSTILE, lively

if TYPE_CHECKING:
    from playwright.sync_api import Page

MIB = 2**20
PRESETS = (
    Preset(name="small", memory_bytes=200 * MIB),
    Preset(name="tiny", memory_bytes=50 * MIB),
)


def written(folder: Path) -> str:
    return site(StoredLibrary([folder], PRESETS), View())


def packed(text: str, name: str) -> Any:
    found = re.search(rf'<script id="{name}" type="text/plain">([^<]*)</script>', text)
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def test_there_is_a_page_for_each_candidate_and_each_pair_and_links_lead_there(good: Path) -> None:
    library = StoredLibrary([good])
    digests = {row.record.candidate.digest for row in library.rows()}
    text = written(good)
    sections = set(re.findall(r'<section id="([^"]*)"', text))
    assert sections <= set(re.findall(r'<a href="#([^"]*)"', text))
    assert {candidate_name(digest) for digest in digests} < sections
    # Two candidates are one pair.
    assert len([name for name in sections if name.startswith("compare-")]) == 1
    assert {"overview", "ladder", "history", "method"} < sections


def test_each_preset_has_the_answer_that_the_board_gives(good: Path) -> None:
    presets = packed(written(good), "data")["presets"]
    # `big` peaks at 400 MiB and `small` at 100: 200 MiB leave one, 50 none.
    assert "Ship small" in presets["small"]["answers"]["accurate"]["claim"]
    tiny = presets["tiny"]["answers"]["smallest"]
    assert {one["rank"] for one in tiny["lines"]} == {"excluded"}
    assert tiny["chosen"] == ""
    # Without a limit they tie: what is preferred decides.
    assert presets["any"]["limits"] == {}
    claims = {prefer: one["claim"] for prefer, one in presets["any"]["answers"].items()}
    assert "Ship small" in claims["smallest"]
    assert "Ship big" in claims["accurate"]


def test_ways_to_weigh_abilities_are_judged_beforehand(able: Path) -> None:
    text = written(able)
    weighings = packed(text, "data")["weighings"]
    assert list(weighings) == ["tasks", "abilities", "tools", "code"]
    assert re.findall(r'data-counts="([^"]*)"', text) == list(weighings)
    # The first is what every preset's own answer is for.
    assert weighings["tasks"]["answers"] is None
    code = weighings["code"]["answers"]["any"]["smallest"]
    assert code["claim"].startswith("Ship coder for code: the most accurate of 2")
    rows = {row.record.candidate.name: row.record.candidate.digest
            for row in StoredLibrary([able]).rows()}  # fmt: skip
    cell = weighings["code"]["cells"][rows["coder"]]["accuracy"]
    assert (cell["text"], cell["value"]) == ("90.0", "0.9")
    assert weighings["abilities"]["words"] == "The accuracy is for tools (50%) and code (50%)."
    figures = packed(text, "figures")["figures"]
    plotted = {name: figures[f"overview/memory{name}"] for name in ("", "@code", "@tools")}
    highest = {name: max(y for trace in one["data"] for y in trace["y"] or [0])
               for name, one in plotted.items()}  # fmt: skip
    assert highest == {"": pytest.approx(63.3333), "@code": 90.0, "@tools": 90.0}


def test_only_the_scripts_that_the_file_was_written_with_may_run(good: Path) -> None:
    text = written(good)
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    allowed = set(re.findall(r"'sha256-([^']*)'", policy))
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert digest in allowed
    assert len(allowed) == 2  # ours and plotly's
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r'\b(src|href)="(?!#)', text)


def test_no_text_of_a_record_is_markup(hostile: Path) -> None:
    text = written(hostile)
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert HOSTILE in {one["name"] for one in packed(text, "data")["candidates"].values()}


def test_an_empty_store_says_how_to_fill_it(empty: Path) -> None:
    assert "No runs yet" in written(empty)


def test_where_every_run_failed_there_is_no_empty_plot(failed: Path) -> None:
    text = written(failed)
    assert "overview/memory" not in text
    assert text.count('class="rank"') == 4  # the head, and three that failed


def test_a_damaged_store_shows_what_can_be_read(damaged: Path) -> None:
    assert "small" in written(damaged)


@pytest.fixture
def page() -> Iterator[Page]:
    """A page that has no network, and fails the test if it complains or asks for anything."""
    said: list[str] = []
    with chromium() as browser:
        context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
        opened = context.new_page()
        opened.on("console", lambda one: said.append(one.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda one: said.append(one.url) if "file:" not in one.url else None)
        opened.on("dialog", lambda one: said.append(one.message))
        yield opened
    assert said == []


def drawn(page: Page, selector: str) -> None:
    """Scroll to a figure, which draws it, wherever the fonts at hand put it."""
    figure = page.locator(selector).first
    figure.scroll_into_view_if_needed()
    figure.locator(".main-svg").first.wait_for()


@needs_chromium
@pytest.mark.slow
def test_it_opens_from_disk_and_its_filters_work(good: Path, tmp_path: Path, page: Page) -> None:
    file = tmp_path / "board.html"
    file.write_text(written(good), encoding="utf-8")
    page.goto(file.as_uri())
    drawn(page, "#overview .figure")
    page.wait_for_selector("#overview .js-plotly-plot .point")
    assert page.inner_text("#overview caption") == "2 of 2 candidates"
    # No wider than a phone.
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.get_by_role("button", name="small (200 MiB)", exact=True).click()
    assert "small" in page.inner_text(".answer .claim")
    assert page.locator("tr.outside .rank").inner_text() == "excluded"

    page.get_by_role("button", name="no limit", exact=True).click()
    page.get_by_role("button", name="most accurate", exact=True).click()
    assert page.inner_text(".answer .claim").startswith("Ship big")
    assert page.evaluate("location.hash") == "#overview?prefer=accurate"
    page.get_by_role("button", name="smallest", exact=True).click()

    # Why, and back.
    page.get_by_role("link", name="Why? Against big", exact=True).click()
    page.locator("section[id^=compare-]:not([hidden]) h2").first.wait_for()
    page.go_back()

    # On a dark page the same figure in other colours.
    coloured = "(colour) => JSON.stringify(document.querySelector('.figure').data).includes(colour)"
    assert page.evaluate(coloured, LIGHT.accent)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(coloured, arg=DARK.accent)
    assert not page.evaluate(coloured, LIGHT.accent)

    # A limit of one's own, in the address.
    page.get_by_label("max memory, MiB").fill("90")
    assert page.inner_text(".answer .claim") == "Nothing fits these limits"
    assert page.evaluate("location.hash") == "#overview?memory=90"
    # `small` alone, first of one; without a limit the two tie.
    page.get_by_label("max memory, MiB").fill("150")
    assert page.locator("tbody tr:not(.outside) td.rank").all_inner_texts() == ["1"]
    page.get_by_label("max memory, MiB").fill("")
    assert page.locator("tbody td.rank").all_inner_texts() == ["1=", "1="]

    page.get_by_label("Search").fill("name:big")
    assert page.inner_text("#overview caption") == "1 of 2 candidates"
    page.get_by_label("Search").fill("")

    # From the smallest peak up: `small`, then `big`; once more the other way round.
    head = page.get_by_role("button", name=re.compile("^peak( memory)? MiB"))
    head.click()
    assert page.locator("tbody th a").all_inner_texts() == ["small", "big"]
    head.click()
    assert page.locator("tbody th a").all_inner_texts() == ["big", "small"]
    assert page.evaluate("location.hash") == "#overview?sort=-memory"
    # A pinned one stands on top, and in the address.
    page.get_by_role("button", name="pin small").click()
    assert page.locator("tbody.pinned th a").all_inner_texts() == ["small"]
    assert "pin=" in page.evaluate("location.hash")

    # The address can be copied; what a head means is told, and its word is on the Method page.
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("What follows # shows the same").wait_for()
    page.get_by_role("button", name="What is accuracy?").click()
    told = page.locator(".told:popover-open")
    assert "Mean over tasks and groups" in told.inner_text()
    told.get_by_role("link", name="accuracy in Method").click()
    page.locator("#term-accuracy").wait_for()  # the page turns after the address
    page.get_by_role("link", name="Skip to the page").focus()
    page.keyboard.press("Enter")
    page.locator("#term-accuracy").wait_for()  # the page turns after the address
    page.get_by_role("link", name="Overview", exact=True).click()
    page.wait_for_function("() => location.hash.includes('pin=')")

    # To a candidate and back, by keyboard.
    page.locator("tbody th a").first.focus()
    page.keyboard.press("Enter")
    drawn(page, "section[id^=candidate-]:not([hidden]) .figure")
    assert page.locator("section:not([hidden]) h2").first.inner_text() == "small"
    # What is not in sight is drawn before it is printed.
    figures = page.locator("section:not([hidden]) .figure:visible")
    assert page.locator("section:not([hidden]) .main-svg").count() < figures.count() * 3
    page.pdf()
    printed = figures.evaluate_all("places => places.map(one => !!one.querySelector('.main-svg'))")
    assert len(printed) > 1
    assert all(printed)
    page.go_back()
    page.wait_for_selector("#overview:not([hidden])")

    # Two that are ticked lead to their comparison.
    for name in ("big", "small"):
        page.get_by_role("checkbox", name=f"tick {name}").check()
    page.get_by_role("link", name="Compare 2 ticked").click()
    page.wait_for_selector("section[id^=compare-]:not([hidden])")


@needs_chromium
@pytest.mark.slow
def test_its_plot_follows_limits_filters_and_search(
    tmp_path: Path, made: Maker, page: Page
) -> None:
    store = Store(tmp_path / "three")
    for family in ("smollm2-135m-instruct", "granite-4.0-h-350m", "qwen3-1.7b"):
        store.add(lively(made, family, "q8_0"), None)
    file = tmp_path / "board.html"
    file.write_text(written(store.root), encoding="utf-8")
    page.goto(f"{file.as_uri()}#overview?memory=500")
    drawn(page, "#overview .figure")
    page.wait_for_selector("#overview .js-plotly-plot .point")
    names = """kind => document.querySelector("#overview .js-plotly-plot").data
      .find(trace => trace.name === kind).customdata.map(name => name.split("-")[0])"""
    assert page.evaluate(names, "outside your limits") == ["qwen3"]
    assert page.evaluate(names, "recommended") == ["granite"]
    assert page.evaluate(names, "Pareto-optimal") == ["smollm2"]
    assert "your limit 500 MiB" in page.locator("#overview .annotation").all_text_contents()
    assert page.locator("tr.chosen a").inner_text() == "granite-4.0-h-350m-q8_0"

    page.get_by_label("architecture").select_option("llama")
    assert page.inner_text(".answer .claim") == "Ship smollm2-135m-instruct-q8_0"
    page.wait_for_function(f"() => ({names})('recommended')[0] === 'smollm2'")
    page.get_by_label("Search").fill("arch:llama")
    page.wait_for_function(f"() => ({names})('outside your limits').length === 0")
    assert page.evaluate("location.hash") == "#overview?memory=500&arch=llama&search=arch%3Allama"


@needs_chromium
@pytest.mark.slow
def test_what_counts_changes_answer_table_and_plot(able: Path, tmp_path: Path, page: Page) -> None:
    file = tmp_path / "board.html"
    file.write_text(written(able), encoding="utf-8")
    page.goto(file.as_uri())
    page.locator(".answer .claim").wait_for()
    assert page.inner_text(".answer .claim").startswith("Ship caller: ")
    counts = page.get_by_role("group", name="What counts")
    counts.get_by_role("button", name="code").click()
    assert page.inner_text(".answer .claim").startswith("Ship coder for code: ")
    assert page.locator("tbody th a").all_inner_texts() == ["coder", "caller"]
    accuracy = page.locator("tr.chosen td.number").first
    assert accuracy.inner_text().startswith("90.0 ±")
    assert page.evaluate("location.hash") == "#overview?counts=code"
    assert page.get_by_text("The accuracy is for code.").is_visible()
    # Its own plot stands there, and its axis goes on being chosen.
    figure = page.locator("#overview .figure:visible")
    assert figure.get_attribute("data-figure") == "overview/memory@code"
    page.get_by_role("button", name="decode", exact=True).click()
    assert figure.get_attribute("data-figure") == "overview/decode@code"


@needs_chromium
@pytest.mark.slow
def test_hostile_texts_do_nothing(hostile: Path, tmp_path: Path, page: Page) -> None:
    file = tmp_path / "board.html"
    file.write_text(written(hostile), encoding="utf-8")
    page.goto(file.as_uri())
    drawn(page, "#overview .figure")
    for name in page.evaluate("[...document.querySelectorAll('main > section')].map((s) => s.id)"):
        page.evaluate("(name) => { location.hash = name; }", name)
        page.wait_for_timeout(50)
    assert page.locator("img").count() == 0


def test_two_runs_of_one_candidate_are_compared_where_a_page_leads_to_them(nightly: Path) -> None:
    text = written(nightly)
    sections = set(re.findall(r'<section id="([^"]*)"', text))
    pairs = {name for name in sections if name.startswith("runs-")}
    # Eight nights: each with the one before; and the last one with the baseline of its check.
    assert len(pairs) == 8
    assert pairs <= set(re.findall(r'<a (?:class="button" )?href="#([^"]*)"', text))
    assert "comparisons of older runs are on the board" not in text
