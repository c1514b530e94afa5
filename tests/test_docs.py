"""The generated pages say what the code says now, and the written ones lead somewhere."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from runners.cli import COMMANDS
from runners.records.record import Record
from tests.test_house import FLOORS

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
NAMED = re.compile(r"`((?:evals|runners|leaderboard|tests|tools)/[\w./-]+)`")
LAYOUT = runpy.run_path(str(ROOT / "tools" / "lay_out_docs.py"))


# In a process of its own: click keeps a command's help option from its first use, and other tests
# call commands without the group that names it.
PAGES = """
import json, runpy
pages = runpy.run_path("tools/write_docs.py")["pages"]()
print(json.dumps({path.name: text for path, text in pages.items()}))
"""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """What tools/write_docs.py would write now."""
    done = subprocess.run(
        [sys.executable, "-c", PAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    written: dict[str, str] = json.loads(done.stdout)
    return written


@pytest.mark.parametrize("name", ["commands.md", "records.md"])
def test_generated_pages_are_fresh(pages: dict[str, str], name: str):
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == pages[name], f"docs/{name} is not what the code says: run make docs"


def test_every_command_has_its_help(pages: dict[str, str]):
    page = pages["commands.md"]
    for name in COMMANDS:
        assert f"## weighin {name}\n\n```text\nUsage: weighin {name} " in page


def test_every_key_of_a_record_is_described(pages: dict[str, str]):
    page = pages["records.md"]
    table = page.split("### Record\n")[1].split("###")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Record.model_fields)
    assert "| `created_at` | `Moment` | UTC, ISO 8601. |" in table


def test_a_bar_in_a_type_does_not_end_its_cell(pages: dict[str, str]):
    page = pages["records.md"]
    assert "| `error` | `JobError \\| None` |" in page


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[\w-]*)?\)", text):
        assert (path.parent / target).is_file(), target


def test_the_map_names_every_room():
    page = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 70
    sections = dict(re.findall(r"^## (\w+):.*\n([^#]*)", page, re.MULTILINE))
    assert {*sections} == {*FLOORS}
    for package, floors in FLOORS.items():
        missing = [r for row in floors for r in row.split() if f"`{r}" not in sections[package]]
        assert missing == [], package


def test_every_benchmark_says_what_it_is_for():
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in (ROOT / "benchmarks").rglob("*.*") if path.suffix != ".pyc"]
    assert [name for name in files if name not in page and name != "README.md"] == []


def test_paths_that_pages_name_are_there():
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in LAYOUT["pages"]()
        for name in re.findall(
            r"`((?:evals|runners|leaderboard|tests|tools)/[\w./-]+)`", path.read_text("utf-8")
        )
        if "NAME" not in name
    }
    assert len(named) > 50
    coming = {"evals/scoring/", "runners/executors/"}
    assert {one for one in named if not (ROOT / one[1]).exists() and one[1] not in coming} == set()


def test_troubleshooting_names_every_check_of_doctor():
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    sources = (ROOT / "runners" / "doctor").glob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    names = set(re.findall(r'Check\(\s*name="([^"]+)"', code)) | {"cache", "store"}
    assert len(names) > 10
    missing = sorted(name for name in names if f"`{name}`" not in text)
    assert missing == []


def test_pages_have_one_sentence_a_line():
    pages = [(path, path.read_text(encoding="utf-8")) for path in LAYOUT["pages"]()]
    assert len(pages) > len(DOCS)
    found = [
        str(path.relative_to(ROOT)) for path, text in pages if LAYOUT["laid_out"](text) != text
    ]
    assert found == [], "run make format"


PAGE = "It reads the table of the first page"
LONG = f"{PAGE}, and then it reads the second one"


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        ("One. Two\nlines. Three", "One.\nTwo lines.\nThree"),
        (
            "- One, e.g. Two. Three\n  goes on.\n- Next.",
            "- One, e.g. Two.\n  Three goes on.\n- Next.",
        ),
        ("Say `a. B` and (c. D) once. End", "Say `a. B` and (c. D) once.\nEnd"),
        (f"{LONG}; {LONG}; {LONG}.", f"{LONG}; {LONG};\n{LONG}."),
        (f"{LONG} {LONG} {LONG}.", f"{LONG} {LONG} {PAGE},\nand then it reads the second one."),
        *[(text, text) for text in ("| A. B |", "# A. B", "```\nA. B\n```", "A\n\n    A. B")],
    ],
)
def test_the_layout_of_pages(text: str, laid_out: str):
    assert LAYOUT["laid_out"](text) == laid_out
    assert LAYOUT["laid_out"](laid_out) == laid_out


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_what_a_benchmark_imports_is_there(path: Path):
    """Also what it imports inside of a function: benchmarks are run once in many changes."""
    missing = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        if module is None or module.partition(".")[0] not in OURS:
            continue
        found = importlib.import_module(module)
        missing += [
            f"{module}.{one.name}" for one in node.names
            if not hasattr(found, one.name)
            and importlib.util.find_spec(f"{module}.{one.name}") is None
        ]  # fmt: skip
    assert missing == []


OURS = ("evals", "runners", "leaderboard", "benchmarks", "tests")
