"""Text from records is data: shown as it is written, wherever it is shown."""

from __future__ import annotations

import html.parser
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard import text

HOSTILE = [
    "<img src=x onerror=alert(1)>", "$x$ **b**", ":material/home:", "https://example.org",
    "www.example.org", "me@example.org", ":smile: :red[x]", "[a](javascript:alert(1))", "`x`",
    "# heading", "| a | b |", "~~x~~", "a_b_c", "1. one", "\\*", "&lt;b&gt;",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_has_every_punctuation_mark_escaped(name: str):
    found = text.markdown(name)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", found)
    assert not re.search(r"[!-/:-@\[-`{-~]", bare)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", found).replace("\u2060", "") == name


def test_what_renderers_turn_into_icons_and_links_after_parsing_is_parted():
    # Streamlit replaces `:material/x:` and GitHub's Markdown links bare addresses in text whose
    # characters were escaped; a joiner that takes no room parts them.
    assert text.markdown(":material/home:") == "\\:\u2060material\\/home\\:"
    assert text.markdown("www.a.b") == "www\u2060\\.a\\.b"
    assert text.markdown("a@b.c") == "a\\@\u2060b\\.c"


class Tags(html.parser.HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.said += data


@given(st.text() | st.sampled_from(HOSTILE))
def test_html_shows_the_text_and_holds_no_tag(name: str):
    parser = Tags()
    parser.feed(text.html(name))
    parser.close()
    assert (parser.tags, parser.said) == ([], text.plain(name))


@given(st.text() | st.sampled_from(HOSTILE))
def test_plots_get_no_tag_and_no_dollar(name: str):
    found = text.plotly(name)
    assert "<" not in found
    assert "$" not in found


@given(st.text())
def test_plain_text_is_one_line_that_can_be_written_as_utf8(name: str):
    found = text.plain(name)
    assert len(found.splitlines()) <= 1
    found.encode("utf-8")


def test_long_text_is_cut_with_an_ellipsis():
    assert text.cut("abcdef", 4) == "abc…"
    assert text.cut("abcd", 4) == "abcd"


def test_a_name_is_cut_in_its_middle_since_names_differ_at_their_ends() -> None:
    assert text.cut_middle("unsloth/some-model-q8_0", 12) == "unslo\N{HORIZONTAL ELLIPSIS}l-q8_0"
    assert text.cut_middle("q8_0", 12) == "q8_0"
