"""Runtime `endpoint` as the parent knows it: a model behind a URL, which somebody else serves."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from evals.spec_file import PRINTABLE
from runners.endpoint.address import read_address
from runners.runtimes.spec import OF_SERVERS, RuntimeSpec, Settings


class EndpointSettings(Settings):
    """Settings of the runtime `endpoint`."""

    incidental: ClassVar[frozenset[str]] = frozenset(
        {"api_key_env", "silence_s", "retries", "retry_wait_s"}
    )

    url: Annotated[str, Field(min_length=1)]
    """Address that OpenAI's clients call base_url, e.g. http://127.0.0.1:8000/v1; of Ollama and
    llama-server the root will do."""
    model: Annotated[str, Field(max_length=200, pattern=PRINTABLE)] = ""
    """Name of the model there; default: the only one."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = None
    """Name of the variable that holds the key; never the key itself."""
    request: dict[str, Any] = Field(default_factory=dict)
    """Keys that each request carries besides, e.g. {reasoning_effort: low}."""
    silence_s: Annotated[float, Field(gt=0, le=24 * 3600)] = 120.0
    """Longest wait for the first byte of an answer, and between two."""
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    """How often a request that failed in passing is sent again."""
    retry_wait_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """Wait before the first of these; doubled with each, and as long as the server asks for."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        return read_address(text).text

    @property
    def elsewhere(self) -> str:
        """Host and port."""
        return read_address(self.url).place


SPEC = RuntimeSpec(
    name="endpoint",
    code="runners.runtimes.endpoint.runtime:Endpoint",
    settings=EndpointSettings,
    weights="none",
    can=OF_SERVERS,
    packages=(),
)
