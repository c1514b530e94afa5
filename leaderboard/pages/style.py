"""The style sheet of the board and of the exported page."""

from __future__ import annotations

from leaderboard.pages.theme import palette

RULES = """
.block-container { padding: 4.2rem 2rem 3rem; max-width: 104rem; }
.answer p, .answer ul { max-width: 80rem; }
.answer { border-left: 4px solid var(--accent); padding: .2rem 0 .2rem 1rem; }
.answer p, .answer .claim { margin: 0; padding: 0; }
.stHeading h2 { font-size: 1.55rem; line-height: 1.25; padding: .6rem 0 .3rem; }
.stHeading h1 { font-size: 2.1rem; line-height: 1.2; padding: .4rem 0; overflow-wrap: anywhere; }
.answer .claim { font-size: 1.6rem; line-height: 1.3; font-weight: 650; text-wrap: pretty;
  overflow-wrap: anywhere; }
.answer .certainty { font-size: 1.05rem; margin-top: .3rem; text-wrap: pretty; }
.answer .nexts { margin: .35rem 0 0; padding-left: 1.1rem; }
.answer .basis { margin-top: .35rem; font-size: .9rem; color: var(--muted); }
ul.notices { margin: 0; padding-left: 1.2rem; font-size: .9rem; overflow-wrap: anywhere; }
.conditions { font-size: .9rem; color: var(--muted); overflow-wrap: anywhere; }
.ranked { overflow: auto; max-height: min(85vh, 52rem); }
.ranked table { border-collapse: collapse; width: 100%; font-size: .875rem; }
.ranked caption { text-align: left; caption-side: top; color: var(--muted); padding-bottom: .4rem; }
.ranked th, .ranked td { padding: .38rem .42rem; text-align: left; font-weight: 400;
  white-space: nowrap; vertical-align: top; }
.ranked thead th, .ranked thead td { position: sticky; top: 0; z-index: 2;
  background: var(--page); color: var(--muted); box-shadow: inset 0 -1px var(--line);
  vertical-align: bottom; }
.ranked thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
  text-align: inherit; cursor: pointer; white-space: normal; }
.ranked thead th.long button { white-space: normal; }
.ranked thead button:hover { color: var(--text); }
.ranked th[aria-sort="ascending"] span::after { content: "\\202F\\25B2" / ""; }
.ranked th[aria-sort="descending"] span::after { content: "\\202F\\25BC" / ""; }
.ranked th[aria-sort="ascending"], .ranked th[aria-sort="descending"] { color: var(--text); }
.ranked small { display: block; font-size: .75rem; white-space: nowrap; }
.ranked .number { text-align: right; font-variant-numeric: tabular-nums; }
.ranked tbody { border-bottom: 1px solid var(--line); }
.ranked tbody.pinned { border-bottom: 2px solid var(--muted); }
.ranked th.name { position: sticky; left: 0; z-index: 1; background: var(--page);
  white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
.ranked thead th.name { z-index: 3; }
.ranked th.name > div:first-child { display: flex; gap: .4rem; align-items: flex-start;
  justify-content: space-between; }
.ranked .pin { border: 0; background: none; padding: .2rem; cursor: pointer; line-height: 0;
  border-radius: .25rem; }
.ranked .pin svg { fill: none; stroke: var(--muted); }
.ranked .pin:hover svg { stroke: var(--text); }
.ranked .pin[aria-pressed="true"] svg { fill: var(--mark); stroke: var(--mark); }
.ranked td.tick { padding: 0 .2rem 0 0; width: 1.6rem; }
.ranked td.tick label { display: block; padding: .38rem .25rem; line-height: 1; cursor: pointer; }
.ranked td.tick input { width: 1.05rem; height: 1.05rem; margin: 0; cursor: inherit;
  accent-color: var(--accent); }
.ranked .rank { font-variant-numeric: tabular-nums; color: var(--muted); }
.ranked tbody tr:hover > * { background: var(--panel); }
.ranked .pm { color: var(--muted); font-size: .8em; }
.ranked .why { font-size: .8rem; }
.ranked tr.outside td, .ranked tr.outside th, .ranked tr.outside a { color: var(--muted); }
.ranked tr.chosen th.name a { font-weight: 700; }
.ranked tr.chosen th.name { box-shadow: inset 3px 0 0 var(--mark); }
.ranked .flag { border: 1px solid var(--mark); border-radius: 1rem; padding: 0 .5rem;
  font-size: .8rem; cursor: help; }
.ranked a { color: inherit; text-decoration-color: var(--accent); text-underline-offset: .2em; }
code { overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border-radius: .4rem; padding: .7rem .9rem; }
.tile .label, .tile .basis { font-size: .8rem; color: var(--muted); overflow-wrap: anywhere; }
.tile .value { font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile .pm { font-size: .9rem; font-weight: 400; color: var(--muted); white-space: nowrap; }
.grid { overflow-x: auto; margin: .25rem 0 .75rem; }
.grid, .ranked { background: linear-gradient(90deg, var(--page) 40%, transparent) left local,
    linear-gradient(-90deg, var(--page) 40%, transparent) right local,
    linear-gradient(90deg, var(--edge), transparent) left scroll,
    linear-gradient(-90deg, var(--edge), transparent) right scroll;
  background-size: 2.5rem 100%, 2.5rem 100%, .5rem 100%, .5rem 100%;
  background-repeat: no-repeat; }
.grid table { border-collapse: collapse; font-size: .875rem; min-width: 100%; }
.grid .caption { font-size: .8rem; color: var(--muted); margin: 0; padding-bottom: .35rem;
  overflow-wrap: anywhere; position: sticky; left: 0; }
.grid th, .grid td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; text-align: left; }
.grid thead th { font-weight: 600; white-space: nowrap; }
.grid small { font-weight: 400; color: var(--muted); }
.grid th.number, .grid td.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.grid td.text { min-width: 5.5rem; max-width: 34rem; overflow-wrap: anywhere; }
.grid td.text:first-child { min-width: 7rem; }
.stMultiSelect [data-tag], .stMultiSelect [data-tag] * {
  color: var(--on-accent); }
.stButtonGroup [role="radiogroup"] { flex-wrap: wrap; }
nav.pages { display: none; }
.stElementContainer:has(.copy) { position: fixed; top: .8rem; right: 1.25rem; width: auto;
  z-index: 999991; }
.copy { display: block; position: relative; }
.copy button { font: inherit; font-size: .875rem; color: var(--text); background: var(--page);
  cursor: pointer; border: 1px solid var(--line); border-radius: .5rem; padding: .3rem .7rem;
  white-space: nowrap; }
.copy button:hover { border-color: var(--accent); }
.copy span:not(:empty) { position: absolute; right: 0; top: 2.4rem; z-index: 4; width: max-content;
  max-width: min(20rem, 90vw); font-size: .8rem; color: var(--text); background: var(--panel);
  border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .7rem; }
.contents { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .9rem; }
.contents a { color: inherit; text-decoration: underline var(--accent);
  text-underline-offset: .2em; padding: .25rem 0; }
.stHeading [id] { scroll-margin-top: 4.2rem; }
.folded { margin: .35rem 0; }
.folded summary { cursor: pointer; overflow-wrap: anywhere; }
.folded pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto;
  background: var(--panel); padding: .5rem .75rem; margin: .35rem 0; font-size: .85rem; }
.tell { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0;
  text-align: inherit; cursor: help; text-decoration: underline dotted;
  text-underline-offset: .25rem; border-radius: 0; }
.ranked thead small .tell { display: inline-block; position: relative; width: 1.1rem;
  line-height: 1.05rem; text-align: center; text-decoration: none; font-size: .7rem;
  border: 1px solid var(--line); border-radius: 1rem; }
.ranked thead small .tell::before { content: ""; position: absolute; inset: -.3rem; }
.told { margin: .3rem; inset: auto; max-width: min(22rem, 90vw); padding: .55rem .75rem;
  border: 1px solid var(--muted); border-radius: .4rem; background: var(--panel);
  color: var(--text); font-size: .875rem; font-weight: 400; line-height: 1.45; text-align: left;
  white-space: normal; overflow-wrap: anywhere; position-area: block-end span-inline-end;
  position-try-fallbacks: flip-inline, flip-block, flip-block flip-inline; }
@supports not (position-area: block-end) { .told { inset: auto 1rem 1rem 1rem; margin: auto; } }
.grid thead th.long { white-space: normal; min-width: 8rem; max-width: 16rem; }
.grid td.wide { min-width: 16rem; }
.grid tr:target > td { background: var(--panel); }
.grid td.bad { color: var(--bad); font-weight: 600; }
.grid a { color: inherit; text-decoration-color: var(--accent); text-underline-offset: .2em; }
.grid .pm { color: var(--muted); }
div[data-testid="stCaptionContainer"], div[data-testid="stCaptionContainer"] p {
  color: var(--muted); opacity: 1; }
.stMarkdown code, div[data-testid="stCaptionContainer"] code { color: var(--text); }
.stJson .variable-value div { color: var(--text) !important; }
.grid td.muted, .ranked td.muted { color: var(--muted); }
.stHorizontalBlock [data-testid^="stNumberInputStep"] { display: none; }
[data-testid="stMultiSelectTagsContainer"] [role="group"] > span { color: var(--page); }
p.why { font-size: .8rem; color: var(--muted); margin: 0 0 .3rem; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) {
  nav.pages { display: flex; flex-wrap: wrap; gap: .4rem 1rem; padding: .6rem 0;
    border-top: 1px solid var(--line); }
  nav.pages a { color: inherit; text-decoration-color: var(--accent); }
  .block-container { padding-left: 1rem; padding-right: 1rem; }
  .answer .claim { font-size: 1.25rem; }
  .ranked th.name { min-width: 9rem; max-width: 11rem; }
}
"""


def colours(*, dark: bool) -> str:
    """The custom properties that the rules use, as declarations."""
    found = palette(dark=dark)
    names = {
        "accent": found.accent,
        "on-accent": found.on_accent,
        "mark": found.series[1],
        "bad": found.bad,
        "line": found.grid,
        "page": found.background,
        "panel": found.panel,
        "edge": found.edge,
        "text": found.text,
        "muted": found.muted,
    }
    return " ".join(f"--{name}: {value};" for name, value in names.items())
