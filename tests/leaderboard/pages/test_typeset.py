from __future__ import annotations

from leaderboard.choose.overview import Line, look
from leaderboard.choose.resampling import gather
from leaderboard.pages.overview.columns import known_columns, shown_columns
from leaderboard.pages.overview.typeset import latex, markdown
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker


def lines(made: Maker, name: str = "a") -> tuple[Line, ...]:
    rows = [made.row(name, 0.6), made.row("b", 0.5, peak=300 * 2**20)]
    return look(gather(rows), View(limits=(("memory", 200.0),))).lines


def written(made: Maker, how: object, name: str = "a", notes: tuple[str, ...] = ()) -> list[str]:
    found = lines(made, name)
    columns = shown_columns(known_columns([line.row for line in found]), ("memory",))
    assert callable(how)
    return str(how(found, columns, notes)).splitlines()


def test_a_line_a_candidate_in_the_order_of_the_board(made: Maker):
    head, rule, first, second, *_ = written(made, markdown)
    assert head == "| rank | candidate | accuracy, % | peak, MiB |"
    assert rule == "|--:|---|--:|--:|"
    assert first.startswith("| 1 | a | 60.0 ± ")
    assert first.endswith("| 100 |")
    assert second.startswith("| excluded | b | 50.0 ± ")


def test_no_name_is_markup_in_markdown(made: Maker):
    row = written(made, markdown, "a|b_<img>`x`")[2]
    assert r"| a\|b\_\<img\>\`x\` |" in row


def test_no_name_is_a_command_in_latex(made: Maker):
    text = "\n".join(written(made, latex, r"a_b & \input{x} 50% #1 ~^"))
    assert (
        r"a\_b \& \textbackslash{}input\{x\} 50\% \#1 \textasciitilde{}\textasciicircum{}" in text
    )
    assert r"\begin{tabular}{rlrr}" in text
    assert r"60.0 $\pm$ " in text


def test_notes_stand_below_the_table_or_in_comments(made: Maker):
    assert written(made, markdown, notes=("Ship a.",))[-1] == "Ship a."
    assert written(made, latex, notes=("Ship\na.",))[0] == "% Ship a."
