"""lm-eval's generation arguments, read as its own models read them; nothing is left out unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.errors import SpecError, did_you_mean

LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""lm-eval's names for the same, the first that is given wins."""
HONOURED = (
    "until", *LENGTHS, "do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty",
)  # fmt: skip
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
"""Sampling arguments, which do not affect a greedy answer."""
WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "num_beam_groups": (1,),
    "num_return_sequences": (1,),
    "no_repeat_ngram_size": (0,),
    "length_penalty": (1.0,),
    "diversity_penalty": (0.0,),
    "typical_p": (1.0,),
    "epsilon_cutoff": (0.0,),
    "eta_cutoff": (0.0,),
    "encoder_repetition_penalty": (1.0,),
    "frequency_penalty": (0.0,),
    "presence_penalty": (0.0,),
    "early_stopping": (False,),
    "renormalize_logits": (False,),
    "use_cache": (True, False),
}
"""Arguments that transformers or vLLM know, and the values of them that change no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Settings by which one prompt is answered: stop strings, length, sampling."""

    until: tuple[str, ...]
    max_tokens: int
    temperature: float
    """0: the likeliest token is taken."""
    top_k: int
    """0: all."""
    top_p: float
    min_p: float
    """Least probability of a token, as a share of the likeliest one's; 0: none."""
    repetition_penalty: float
    """Logits of the tokens so far, the prompt's too, are divided by it, or multiplied below 0."""


def read_generation(task: str, arguments: Mapping[str, Any]) -> Generation:
    """Settings of an answer, from a task's `generation_kwargs`.

    Raises:
        SpecError: an argument that Weighin does not have, or a wrong value.
    """
    _refuse_others(task, arguments)
    until = arguments.get("until") or []
    try:
        found = Generation(
            until=(until,) if isinstance(until, str) else tuple(until),
            max_tokens=_max_tokens(arguments),
            temperature=_temperature(arguments),
            top_k=int(arguments.get("top_k") or 0),
            top_p=_number(arguments, "top_p", 1.0),
            min_p=_number(arguments, "min_p", 0.0),
            repetition_penalty=_number(arguments, "repetition_penalty", 1.0),
        )
        _check(found)
    except (TypeError, ValueError) as error:
        raise SpecError(f'task "{task}": generation_kwargs: {error}') from error
    return found


def _refuse_others(task: str, arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if name in HONOURED or value is None:
            continue
        where = f'task "{task}": generation_kwargs: {name}'
        if name not in WITHOUT_EFFECT:
            raise SpecError(f"{where} is not known here{did_you_mean(name, HONOURED)}")
        if value not in WITHOUT_EFFECT[name]:
            allowed = " or ".join(map(str, WITHOUT_EFFECT[name]))
            raise SpecError(f"{where} is {value!r}; Weighin does not do that (only {allowed})")


def _check(found: Generation) -> None:
    if not 0 <= found.min_p <= 1:
        raise ValueError(f"min_p is {found.min_p:g}; it must be between 0 and 1")
    if not 0 < found.repetition_penalty <= 100:
        raise ValueError(
            f"repetition_penalty is {found.repetition_penalty:g}; it must be above 0 and at "
            "most 100"
        )


def _number(arguments: Mapping[str, Any], name: str, default: float) -> float:
    value = arguments.get(name)
    return default if value is None else float(value)


def _max_tokens(arguments: Mapping[str, Any]) -> int:
    """The first of lm-eval's names for it that is given, else its default of 256."""
    for name in LENGTHS:
        if arguments.get(name) is not None:
            tokens = int(arguments[name])
            if tokens < 1:
                raise ValueError(f"{name} is {tokens}; it must be at least 1")
            return tokens
    return 256


def _temperature(arguments: Mapping[str, Any]) -> float:
    """0 unless sampling is asked for, by `do_sample` or by a temperature alone.

    `do_sample` without a temperature samples at 1, as transformers does.
    """
    given, sample = arguments.get("temperature"), arguments.get("do_sample")
    temperature = float(1.0 if given is None else given)
    if sample is None:
        sample = given is not None and temperature > 0
    return temperature if sample else 0.0
