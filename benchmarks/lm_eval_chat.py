"""lm-eval's side of `chat_agreement.py`: its harness, its `hf` in float32, its functions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from evals.tasks.scored import executing
from runners.sandbox.trial import runs_to_its_end


class Parting(NamedTuple):
    """Two greedy answers to one prompt that are not the same."""

    prompt: str
    mine: str
    other: str


class Theirs:
    """lm-eval's `hf` on a folder of safetensors, asked by lm-eval's own `evaluate`."""

    def __init__(self, folder: Path, system: str) -> None:
        import torch
        from lm_eval.models.huggingface import HFLM

        self._system = system
        self._model = HFLM(
            pretrained=str(folder), dtype=torch.float32, batch_size=8, max_length=2048,
            device="cpu",
        )  # fmt: skip

    def samples(self, loaded: Any) -> list[dict[str, Any]]:
        """lm-eval's log of each item: `arguments`, `resps`, and a key for each metric.

        Args:
            loaded: a LoadedTask; lm-eval builds its prompts anew.
        """
        from lm_eval.evaluator import evaluate

        loaded.task.set_fewshot_seed(loaded.seed)
        with executing(runs_to_its_end):
            found = evaluate(
                self._model,
                {"tasks": {loaded.name: loaded.task}},
                samples={loaded.name: list(loaded.selection)},
                bootstrap_iters=0,
                system_instruction=self._system or None,
                apply_chat_template=True,
                fewshot_as_multiturn=True,
            )
        logged = found["samples"][loaded.name]
        return [one for one in logged if one["filter"] == loaded.filter]

    def gap(self, parting: Parting) -> float:
        """Nats between the two tokens with which answers part; near 0 it is a numerical tie.

        Where one answer ends, the other's end stands for its next token.
        """
        import torch

        tokenizer = self._model.tokenizer
        begun = tokenizer.encode(parting.prompt, add_special_tokens=False)
        mine, other = (
            [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
            for text in (parting.mine, parting.other)
        )
        at = next(n for n, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b)
        ids = torch.tensor([[*begun, *mine[:at]]])
        row = torch.log_softmax(self._model._model_call(ids)[0, -1].float(), dim=-1)
        return abs(float(row[mine[at]] - row[other[at]]))


def scored_by_lm_eval(task: str, sample: Mapping[str, Any]) -> float | None:
    """The score of code that lm-eval's own functions find in an answer, run in our sandbox.

    None for other tasks: lm-eval scores them itself, or has no such scorer.
    """
    doc, text = sample["doc"], sample["resps"][0][0]
    if task in ("humaneval", "mbpp"):
        code = _code(task, doc, text)
        return float(runs_to_its_end(f"{code}\n\n{doc['tests']}"))
    return None


def _code(task: str, doc: Mapping[str, Any], text: str) -> str:
    # When they are imported they load a metric from the hub, which is not used here.
    with mock.patch("evaluate.load"):
        module: Any = importlib.import_module(f"lm_eval.tasks.{task}.utils")
    if task == "mbpp":
        # A line feed first: lm-eval 0.4.13 takes the code's first word for the name of a language
        # (its issue 3447). A fence last: the stop string took it.
        found = module.build_predictions([[f"\n{text}\n```"]], [doc])[0][0]
        return f"{doc['setup']}\n{found}"
    return str(module.build_predictions_instruct([[text]], [doc])[0][0])
