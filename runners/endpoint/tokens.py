"""Text into token ids by the server's own tokeniser, where it has a path for that."""

from __future__ import annotations

from typing import Any

from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served


class Tokens:
    """The tokeniser of a server: a request a text."""

    def __init__(self, served: Served) -> None:
        """Asks once.

        Raises:
            EndpointError: the server has no such path; `not found`.
        """
        if served.kind not in ("llama-server", "vllm"):
            raise EndpointError("not found", "the server turns no text into token ids")
        self._served = served
        self._bos = self._ids("", special=True)

    @property
    def prefix_token(self) -> int:
        """Token that stands for an empty context: what an empty prompt begins with.

        Raises:
            EndpointError: the model's prompts begin with none.
        """
        named = self._bos or (
            self._ids(self._served.bos, special=False) if self._served.bos else []
        )
        if len(named) != 1:
            raise EndpointError(
                "request refused",
                "the model has no BOS token that could stand for an empty context",
            )
        return named[0]

    def encode(self, text: str, special: bool) -> list[int]:
        """Token ids, after the model's own BOS where that is asked for and is not there yet."""
        ids = self._ids(text, special=special)
        doubled = special and len(self._bos) == 1 and ids[:2] == self._bos * 2
        return ids[1:] if doubled else ids

    def _ids(self, text: str, *, special: bool) -> list[int]:
        served = self._served
        body: dict[str, Any]
        if served.kind == "llama-server":
            body = {"content": text, "add_special": special, "parse_special": True}
        else:
            body = {"model": served.model, "prompt": text, "add_special_tokens": special}
        found = served.client.post("/tokenize", body).get("tokens")
        if not isinstance(found, list) or not all(type(one) is int for one in found):
            raise EndpointError("not found", "the server's /tokenize gives no token ids")
        return found
