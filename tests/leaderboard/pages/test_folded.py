from __future__ import annotations

from leaderboard.pages.folded import LongText, as_html


def test_a_long_text_is_folded_and_its_lines_are_no_markup():
    found = as_html((LongText("a <b>", "<think>\n7 & 8</think>"),))
    assert found == (
        '<details class="folded"><summary>a &lt;b&gt;</summary>'
        "<pre>&lt;think&gt;\n7 &amp; 8&lt;/think&gt;</pre></details>"
    )


def test_a_file_holds_the_beginning_of_a_text():
    assert "<pre>123\N{HORIZONTAL ELLIPSIS}</pre>" in as_html((LongText("t", "12345"),), 3)
    assert "<pre>12345</pre>" in as_html((LongText("t", "12345"),), 5)
