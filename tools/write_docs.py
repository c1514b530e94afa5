"""Write docs/commands.md and docs/records.md from the code (`make docs`); a test compares them.

Both are a template of tools/templates with the generated part at its mark.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from runners.cli import COMMANDS, group

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "tools" / "templates"
MARK = "<!-- generated -->\n"
HELP_WIDTH = 96
# A file and its classes, or None for all that are not private.
SCHEMA: dict[str, tuple[str, ...] | None] = {
    "runners/records/record.py": None,
    "runners/records/answers.py": None,
    "runners/records/users.py": None,
    "runners/records/looks.py": None,
    "runners/records/parts.py": ("EngineInfo", "NoiseFloorInfo", "EnergyInfo"),
    "runners/records/gpu.py": ("GpuInfo", "DeviceInfo", "DevicePhaseInfo"),
    "runners/records/circumstances.py": (
        "MachineInfo",
        "SoftwareInfo",
        "BudgetInfo",
        "EnforcedInfo",
        "VerdictInfo",
        "NoiseInfo",
        "ExecutorInfo",
        "ImportedInfo",
    ),
}


def pages() -> dict[Path, str]:
    """Text of each generated page, by its path."""
    parts = {"commands.md": _commands(), "records.md": _records()}
    return {
        ROOT / "docs" / name: (TEMPLATES / name).read_text(encoding="utf-8").replace(MARK, text)
        for name, text in parts.items()
    }


def _commands() -> str:
    """Every `--help`, at one width and as on a terminal without colours."""
    settings = {**group.context_settings, "terminal_width": HELP_WIDTH, "color": False}
    whole = click.Context(group, info_name="weighin", **settings)
    sections = [_section("weighin", group.get_help(whole))]
    for name in COMMANDS:
        command = group.get_command(whole, name)
        if command is None:
            raise LookupError(f"weighin has no command {name}")
        context = click.Context(command, parent=whole, info_name=name, **settings)
        sections.append(_section(f"weighin {name}", command.get_help(context)))
        for inner, part in getattr(command, "commands", {}).items():
            below = click.Context(part, parent=context, info_name=inner, **settings)
            sections.append(_section(f"weighin {name} {inner}", part.get_help(below)))
    return "\n".join(sections)


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


def _records() -> str:
    """A table a model: key, type, meaning; the record itself first."""
    classes = [
        node
        for file, names in SCHEMA.items()
        for node in _classes(ROOT / file)
        if (node.name in names if names else not node.name.startswith("_"))
    ]
    classes.sort(key=lambda node: node.name != "Record")
    summaries = {node.name: _summary(node) for node in classes}
    return "\n".join(_table(node, summaries) for node in classes)


def _classes(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def _summary(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split())


def _table(node: ast.ClassDef, summaries: dict[str, str]) -> str:
    """One model; a key without a docstring that holds another model is described by that one."""
    lines = [f"### {node.name}", "", _summary(node), ""]
    lines += ["| key | type | meaning |", "|---|---|---|"]
    for name, kind, meaning in _fields(node):
        held = [summaries[word] for word in re.findall(r"\w+", kind) if word in summaries]
        lines.append(f"| `{name}` | `{_cell(kind)}` | {_cell(meaning or ' '.join(held))} |")
    return "\n".join(lines) + "\n"


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, annotation and the docstring below each field."""
    following = [*node.body[1:], None]
    for statement, after in zip(node.body, following, strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        meaning = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            meaning = " ".join(str(after.value.value).split())
        yield statement.target.id, _kind(statement.annotation), meaning


def _kind(annotation: ast.expr) -> str:
    """The type as it is written; of `Annotated[type, …]` the type."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *_])):
            return ast.unparse(kind)
    return ast.unparse(annotation)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
