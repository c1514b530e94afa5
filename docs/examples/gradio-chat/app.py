"""A chat around a small GGUF model, as it would run in a free Hugging Face Space.

MODEL names the file; without it model.gguf beside this file is loaded.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from llama_cpp import Llama

MODEL = os.environ.get("MODEL", str(Path(__file__).parent / "model.gguf"))
llm = Llama(MODEL, n_ctx=2048, n_threads=2, verbose=False)


def plain(content: Any) -> str:
    """The text of a message: Gradio hands it over as a string, or as a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def answer(
    message: str, history: list[dict[str, Any]], temperature: float = 0.0, max_tokens: int = 64
) -> Iterator[str]:
    """Stream an answer: what there is of it so far, again and again."""
    turns = [{"role": turn["role"], "content": plain(turn["content"])} for turn in history]
    text = ""
    for part in llm.create_chat_completion(
        [*turns, {"role": "user", "content": message}],
        stream=True,
        temperature=temperature,
        max_tokens=int(max_tokens),
    ):
        text += part["choices"][0]["delta"].get("content") or ""
        yield text


demo = gr.ChatInterface(
    answer,
    additional_inputs=[
        gr.Slider(0, 1, 0.0, label="Temperature"),
        gr.Slider(1, 256, 64, label="Most tokens"),
    ],
)

if __name__ == "__main__":
    demo.launch()
