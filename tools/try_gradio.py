"""Ask real Gradio apps, a release each: `PYTHON tools/try_gradio.py [--venvs DIR] [VERSION…]`.

Tests ask the mock server: Gradio takes 370 MB, and wants other versions than the lock has. This
is run by hand, for a release of Gradio or a change of what speaks to it: half a minute a release,
and its installation once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

WITH = {
    "4.44.1": ("huggingface_hub<0.26", "pydantic<2.11", "fastapi<0.115", "starlette<0.39"),
    "5.50.0": ("huggingface_hub<1",),
    "6.31.0": (),
}
"""Releases, and what each wants that pip alone does not choose."""
APP = """
import os, time
import gradio as gr
def answer(message, history, temperature=0.0):
    if "throw" in message:
        raise ValueError("its own words")
    if "quota" in message:
        raise gr.Error("You have exceeded your GPU quota (60s requested vs. 42s left)")
    if "hang" in message:
        time.sleep(600)
    if "die" in message:
        os._exit(9)
    text = ""
    yield text
    for word in f"{len(history)} before: {message}".split():
        time.sleep(0.02)
        text += word + " "
        yield text
gr.ChatInterface(answer, additional_inputs=[gr.Slider(0, 1, 0.0)]).launch()
"""
CASES = (
    ("one session each", ("first", "second"), "2 of 2 right"),
    ("an error of the app", ("first", "throw"), "its log says: ValueError: its own words"),
    ("a quota", ("quota",), "quota: the Space has no GPU time left"),
    ("it hangs", ("hang",), "no answer within 3 s"),
    ("it dies", ("die",), "app.py ended with exit code 9"),
)
"""Name, questions, and what is said of them."""


def python_with(version: str, folder: Path) -> Path:
    """The interpreter of an environment with that Gradio, made where it is not there yet."""
    program = folder / version / "bin" / "python"
    if not program.exists():
        venv.create(folder / version, with_pip=True)
        wanted = [f"gradio=={version}", *WITH.get(version, ())]
        subprocess.run([program, "-m", "pip", "install", "-q", *wanted], check=True)
    return program


def weighin(*arguments: str) -> str:
    """All that the command says."""
    code = "from runners.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def tried(version: str, python: Path, folder: Path) -> int:
    """Run the cases; how many were not as expected."""
    (folder / "app.py").write_text(APP)
    settings = {"python": str(python), "answer_s": 3.0}
    candidate = folder / "app.yaml"
    candidate.write_text(json.dumps(
        {"name": "app", "runtime": "gradio", "weights": "app.py", "settings": settings}
    ))  # fmt: skip
    wrong = 0
    for number, (name, questions, expected) in enumerate(CASES):
        file, store = folder / f"case{number}.jsonl", str(folder / f"store{number}")
        rows = [{"question": one, "answer": f"0 before: {one}"} for one in questions]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        said = weighin(
            *("run", str(candidate), "--trust-remote-code"),
            *("--questions", str(file), "--store", store),
        )
        said += weighin("show", "app", "--store", store, "--wrong")
        found = expected in " ".join(said.split())
        wrong += not found
        print(f"gradio {version}: {name}: {'as expected' if found else 'NOT: ' + expected}")
        if not found:
            print(said)
    return wrong


def main() -> int:
    """Try each release; 1 if anything was not as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("versions", nargs="*", default=list(WITH))
    parser.add_argument("--venvs", type=Path, help="keep the environments here")
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        venvs = asked.venvs or Path(scratch) / "venvs"
        for version in asked.versions:
            folder = Path(scratch) / version
            folder.mkdir()
            wrong += tried(version, python_with(version, venvs.absolute()), folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
