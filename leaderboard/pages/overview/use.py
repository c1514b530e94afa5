"""How to use the recommended candidate: commands and code to copy, with the settings it ran with.

Names and paths come from records of anybody, so each is quoted for where it stands.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from leaderboard.pages.blocks import Block, Code, Heading, Text
from leaderboard.text import plain
from runners.records.record import CandidateInfo

MODEL = "MODEL.gguf"
"""Stands for a file whose place only `weighin fetch` knows."""


@dataclass(frozen=True, slots=True)
class _Hub:
    """A file of a repository of the Hub."""

    repository: str
    file: str


def use(candidate: CandidateInfo) -> Iterator[Block]:
    """Commands and code for a candidate; nothing for a runtime that only Weighin has."""
    if candidate.runtime == _LLAMA:
        yield from _gguf(candidate)
    elif candidate.runtime == _TRANSFORMERS and candidate.source:
        yield Heading("Python, transformers", 3)
        yield Code(_transformers(plain(candidate.source)))
    elif candidate.runtime == _OPENVINO:
        yield Heading("Python, openvino-genai", 3)
        yield Code(_openvino(_own_file(candidate) or MODEL))
    elif candidate.runtime == _MLX and candidate.source and not candidate.made_from:
        yield Heading("Python, mlx-lm", 3)
        yield Code(_mlx(plain(candidate.source).removeprefix("hf:")))


_LLAMA, _TRANSFORMERS, _OPENVINO, _MLX = "llamacpp", "hf", "openvino", "mlx"


def verify(candidate: CandidateInfo, memory_mib: float | None) -> Iterator[Block]:
    """Commands that measure a candidate again, inside the limit that is set or the least it needs.

    Args:
        candidate: the recommended one.
        memory_mib: limit of memory that is set; None: none.
    """
    name = shlex.quote(plain(candidate.name))
    if memory_mib is not None:
        yield Text("Run it inside this limit:", small=True)
        yield Code(f"weighin run {name} --memory {memory_mib:.0f}MiB")
    yield Text("The smallest memory in which it works:", small=True)
    yield Code(f"weighin fit {name}")


def _gguf(candidate: CandidateInfo) -> Iterator[Block]:
    hub = _of_hub(candidate)
    file = _file(candidate)
    context, layers = candidate.settings.get("context"), _layers(candidate)
    cache = candidate.settings.get("kv_cache_type")
    if file is None and hub is None:
        yield Text("Where its file lies says:", small=True)
        yield Code(f"weighin fetch {shlex.quote(plain(candidate.name))}")
    yield Heading("llama-server", 3)
    where = (
        f"-hfr {shlex.quote(hub.repository)} -hff {shlex.quote(hub.file)}"
        if hub
        else f"-m {shlex.quote(file or MODEL)}"
    )
    size = f" -c {context}" if isinstance(context, int) else ""
    kept = f" -ctk {cache} -ctv {cache}" if isinstance(cache, str) and cache in _CACHES else ""
    offload = f" -ngl {layers}" if layers else ""
    yield Code(f"llama-server {where}{size}{kept}{offload}")
    yield Heading("Python, llama-cpp-python", 3)
    yield Code(_python(hub, file or MODEL, context, layers))
    yield Heading("Ollama Modelfile", 3)
    parameter = f"\nPARAMETER num_ctx {context}" if isinstance(context, int) else ""
    parameter += f"\nPARAMETER num_gpu {layers}" if layers else ""
    yield Code(f"FROM {json.dumps(hub.file if hub else file or MODEL)}{parameter}")


_CACHES = ("f32", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "bf16")
"""Types of llama.cpp's cache that differ from its default, f16."""


def _layers(candidate: CandidateInfo) -> int:
    """Layers that it had on a GPU; 0 where nothing was there."""
    told = candidate.settings.get("gpu_layers")
    return told if isinstance(told, int) and not isinstance(told, bool) else 0


def _of_hub(candidate: CandidateInfo) -> _Hub | None:
    source = plain(candidate.source or "")
    if candidate.made_from or not source.startswith("hf:"):
        return None
    repository, mark, file = source.removeprefix("hf:").partition("#")
    return _Hub(repository, file) if mark and file else None


def _file(candidate: CandidateInfo) -> str | None:
    """A path that the user gave; None for what lies in the cache."""
    source = plain(candidate.source or "")
    inside = candidate.made_from or ":" in source.partition("/")[0]
    return None if inside or not source.endswith(".gguf") else source


def _python(hub: _Hub | None, file: str, context: object, layers: int) -> str:
    size = f", n_ctx={context}" if isinstance(context, int) else ""
    size += f", n_gpu_layers={layers}" if layers else ""
    made = (
        f"Llama.from_pretrained({hub.repository!r}, {hub.file!r}{size})"
        if hub
        else f"Llama({file!r}{size})"
    )
    return (
        f"from llama_cpp import Llama\n\nmodel = {made}\n"
        'messages = [{"role": "user", "content": "Hello"}]\n'
        'print(model.create_chat_completion(messages)["choices"][0]["message"]["content"])'
    )


def _transformers(source: str) -> str:
    name = source.removeprefix("hf:")
    return (
        "from transformers import pipeline\n\n"
        f'model = pipeline("text-generation", model={name!r})\n'
        'messages = [{"role": "user", "content": "Hello"}]\n'
        'print(model(messages)[0]["generated_text"][-1]["content"])'
    )


def _own_file(candidate: CandidateInfo) -> str | None:
    """The file or folder that was named, also where its runtime had it converted."""
    source = plain(candidate.source or "")
    if not source or ":" in source.partition("/")[0]:
        return None
    name = source.rpartition("/")[2]
    made = candidate.made_from or name
    return source if made == name or made.startswith(f"{name} (") else None


def _openvino(path: str) -> str:
    return (
        f"import openvino_genai\n\nmodel = openvino_genai.LLMPipeline({path!r}, 'CPU')\n"
        "model.start_chat()\n"
        'print(model.generate("Hello", max_new_tokens=200))'
    )


def _mlx(name: str) -> str:
    return (
        f"from mlx_lm import generate, load\n\nmodel, tokenizer = load({name!r})\n"
        'messages = [{"role": "user", "content": "Hello"}]\n'
        "prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)\n"
        "print(generate(model, tokenizer, prompt=prompt))"
    )
