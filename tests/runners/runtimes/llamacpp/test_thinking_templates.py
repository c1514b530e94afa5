"""Chat templates of models that think, from a GGUF's header to the prompt: where the answer begins.

The templates are ours, as short as they can be; each opens, prefills and switches thought off in
the way of the family that it is named after, and leaves thought out of what was said before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("llama_cpp")

from evals.tasks.templates import TemplateChild
from runners.engine.thought import find_marks, thinking_for
from runners.runtimes.llamacpp.runtime import LlamaCpp
from runners.worker import protocol
from tests.support import tiny_gguf
from tests.support.cpp_settings import cpp_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
HISTORY = [
    {"role": "user", "content": "1?"},
    {"role": "assistant", "content": "<think>hm</think>one"},
    {"role": "user", "content": "2?"},
]
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{{ m.content.split('</think>')[-1] if m.role == 'assistant' else m.content }}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
)
SAID = (
    "<|im_start|>user\n1?<|im_end|>\n<|im_start|>assistant\none<|im_end|>\n"
    "<|im_start|>user\n2?<|im_end|>\n"
)
START = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way to think, and what comes of it."""

    template: str
    prompt: str
    """The whole prompt for HISTORY."""
    end: str
    """Mark of the thought's end."""
    opened: bool = False
    """The prompt ends in a thought that it has opened."""
    args: dict[str, Any] = field(default_factory=dict)


QWEN3 = (
    CHATML + START + "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)
QWEN35 = (
    CHATML + START + "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% else %}{{ '<think>\\n' }}{% endif %}{% endif %}"
)
NANO_V2 = (
    "{% set off = namespace(yes=false) %}{% for m in messages %}{% if '/no_think' in m.content %}"
    "{% set off.yes = true %}{% endif %}{% endfor %}"
    + CHATML
    + START
    + "{{ '<think></think>' if off.yes else '<think>\\n' }}{% endif %}"
)
HARMONY = (
    "{{ '<|start|>system<|message|>Reasoning: ' + (reasoning_effort or 'medium') + '<|end|>' }}"
    "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|start|>assistant<|channel|>final<|message|>' + m.content.split('</think>')[-1] }}"
    "{% else %}{{ '<|start|>' + m.role + '<|message|>' + m.content }}{% endif %}{{ '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
GEMMA4 = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' }}"
    "{{ m.content.split('</think>')[-1] + '<turn|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn>model\\n<|channel>thought\\n' }}"
    "{{ '' if enable_thinking else '<channel|>' }}{% endif %}"
)
MINISTRAL = (
    "{{ bos_token }}{{ '[SYSTEM_PROMPT]Think between [THINK] and [/THINK].[/SYSTEM_PROMPT]' }}"
    "{% for m in messages %}{% if m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}"
    "{% else %}{{ m.content.split('</think>')[-1] + eos_token }}{% endif %}{% endfor %}"
)
ASSISTANT = "<|im_start|>assistant\n"
NO_THOUGHT = "<think>\n\n</think>\n\n"
TURNS = (
    "<|start|>user<|message|>1?<|end|><|start|>assistant<|channel|>final<|message|>one<|end|>"
    "<|start|>user<|message|>2?<|end|><|start|>assistant"
)
GEMMA_SAID = "<s><|turn>user\n1?<turn|>\n<|turn>model\none<turn|>\n<|turn>user\n2?<turn|>\n"
OFF = {"enable_thinking": False}
KINDS = {
    "qwen3, smollm3, minicpm5": Kind(template=QWEN3, prompt=SAID + ASSISTANT, end="</think>"),
    "qwen3, off": Kind(
        template=QWEN3, args=OFF, prompt=SAID + ASSISTANT + NO_THOUGHT, end="</think>"
    ),
    "qwen3.5, nemotron 3": Kind(
        template=QWEN35, prompt=f"{SAID}{ASSISTANT}<think>\n", end="</think>", opened=True
    ),
    "qwen3.5, off": Kind(
        template=QWEN35, args=OFF, prompt=SAID + ASSISTANT + NO_THOUGHT, end="</think>"
    ),
    "nemotron nano v2": Kind(
        template=NANO_V2, prompt=f"{SAID}{ASSISTANT}<think>\n", end="</think>", opened=True
    ),
    "gpt-oss": Kind(
        template=HARMONY, end="<|channel|>final<|message|>",
        prompt=f"<|start|>system<|message|>Reasoning: medium<|end|>{TURNS}",
    ),
    "gpt-oss, low": Kind(
        template=HARMONY, end="<|channel|>final<|message|>", args={"reasoning_effort": "low"},
        prompt=f"<|start|>system<|message|>Reasoning: low<|end|>{TURNS}",
    ),
    "gemma 4": Kind(
        template=GEMMA4, prompt=f"{GEMMA_SAID}<|turn>model\n<|channel>thought\n<channel|>",
        end="<channel|>",
    ),
    "gemma 4, on": Kind(
        template=GEMMA4, args={"enable_thinking": True}, opened=True, end="<channel|>",
        prompt=f"{GEMMA_SAID}<|turn>model\n<|channel>thought\n",
    ),
    "ministral 3 reasoning": Kind(
        template=MINISTRAL, end="[/THINK]",
        prompt="<s>[SYSTEM_PROMPT]Think between [THINK] and [/THINK].[/SYSTEM_PROMPT]"
        "[INST]1?[/INST]one</s>[INST]2?[/INST]",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def child() -> Iterator[TemplateChild]:
    with TemplateChild() as child:
        yield child


def from_gguf(template: str, folder: Path) -> protocol.ChatTemplate:
    """The template as the worker reads it from a file's header."""
    path = tiny_gguf.write(folder / "tiny.gguf", "llama", template=template)
    runtime = LlamaCpp()
    settings = cpp_settings(context=32, kv_cache_type="f16")
    runtime.load(protocol.Load(path=str(path), settings=settings))
    try:
        return runtime.chat_template()
    finally:
        runtime.close()


@pytest.mark.parametrize("name", KINDS)
def test_where_the_answer_begins(name: str, tmp_path: Path, child: TemplateChild) -> None:
    kind = KINDS[name]
    told = from_gguf(kind.template, tmp_path)
    prompt, whole = child.chat(
        told.text, HISTORY, add_generation_prompt=True, bos=told.bos, eos=told.eos, args=kind.args
    )
    assert prompt == kind.prompt
    assert whole
    marks = find_marks(told.text)
    assert marks is not None
    assert marks.end == kind.end
    asked = thinking_for(marks, prompt, 8)
    assert asked is not None
    assert asked.opened is kind.opened


def test_a_word_of_the_user_switches_thought_off(tmp_path: Path, child: TemplateChild) -> None:
    told = from_gguf(NANO_V2, tmp_path)
    messages = [{"role": "system", "content": "/no_think"}, *HISTORY]
    prompt, _ = child.chat(
        told.text, messages, add_generation_prompt=True, bos=told.bos, eos=told.eos
    )
    assert prompt.endswith(f"{ASSISTANT}<think></think>")
    asked = thinking_for(find_marks(told.text), prompt, 8)
    assert asked is not None
    assert not asked.opened
