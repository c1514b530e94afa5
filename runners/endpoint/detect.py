"""Find out what answers at an address: its kind, its models, its version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from runners.endpoint.address import Address
from runners.endpoint.asking import count, rows, table, words
from runners.endpoint.client import Client
from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served
from runners.endpoint.words import shown_name

_ABSENT = ("not found", "request refused", "server error", "invalid JSON")
"""Outcomes of a path that a server does not have; some answer 405 or 501, or send a page."""


def root_of(address: Address) -> tuple[Address, str]:
    """Root of a server, and the path of OpenAI's API below it.

    `http://host/v1` and `http://host` are the same server; any other path is taken as it is.
    """
    found = re.fullmatch(r"(.*)(/v\d+)", address.path)
    if found:
        return replace(address, path=found[1]), found[2]
    return (address, "") if address.path else (address, "/v1")


def find_served(client: Client, prefix: str, model: str = "") -> Served:
    """Ask a server what it is.

    Args:
        client: its address is the root.
        prefix: path of OpenAI's API below it.
        model: the name that is wanted; empty: the only one there.

    Raises:
        EndpointError: it does not answer, or serves no such model (`wrong model`).
    """
    listed = _asked(client, f"{prefix}/models")
    props = _asked(client, "/props")
    if props is not None and ("default_generation_settings" in props or "model_path" in props):
        return _llama(client, prefix, model, listed or {}, props)
    release = _asked(client, "/api/version")
    if release is not None and "version" in release:
        return _ollama(client, prefix, model, words(release["version"]))
    if listed is None and model:
        return Served(client=client, kind="openai", model=model, prefix=prefix)
    if listed is None:
        raise EndpointError(
            "not found",
            f"{client.address.text}: has neither {prefix}/models nor Ollama's /api/version; "
            "give the address that OpenAI's clients call base_url",
        )
    return _openai(client, prefix, model, listed)


def _asked(client: Client, path: str) -> dict[str, Any] | None:
    """An answer, or None where the server has no such path."""
    try:
        return client.get(path)
    except EndpointError as fault:
        if fault.outcome in _ABSENT or fault.outcome == "error in the answer":
            return None
        raise


def _llama(
    client: Client, prefix: str, model: str, listed: Mapping[str, Any], props: Mapping[str, Any]
) -> Served:
    """llama-server has one model, and answers to any name."""
    models = rows(listed.get("data"))
    first = models[0] if models else {}
    path = words(props.get("model_path"))
    full_names = tuple(words(one.get("id")) for one in models)
    # Without an alias it is called by its path there, which is no record's business.
    names = tuple(map(shown_name, full_names))
    own = {*full_names, *names, path, shown_name(path), words(props.get("model_alias"))}
    if model and model not in own:
        raise _wrong(client, model, names or (shown_name(path),))
    settings = table(props.get("default_generation_settings"))
    meta = table(first.get("meta"))
    return Served(
        client=client,
        kind="llama-server",
        model=model or next(iter(names), "") or shown_name(path),
        prefix=prefix,
        version=words(props.get("build_info")),
        models=names,
        context=count(settings.get("n_ctx")),
        slots=count(props.get("total_slots")),
        about=_known(
            {
                "file": shown_name(path),
                "bytes": count(meta.get("size")),
                "parameters": count(meta.get("n_params")),
                "trained_context": count(meta.get("n_ctx_train")),
                "vocabulary": count(meta.get("n_vocab")),
            }
        ),
        bos=words(props.get("bos_token")),
        eos=words(props.get("eos_token")),
        template=words(props.get("chat_template")),
    )


def _ollama(client: Client, prefix: str, model: str, version: str) -> Served:
    models = rows(client.get("/api/tags").get("models"))
    by_name = {words(one.get("name")) or words(one.get("model")): one for one in models}
    name = _chosen(client, model, tuple(by_name), latest=True)
    entry, shown = by_name[name], client.post("/api/show", {"model": name})
    info, details = table(shown.get("model_info")), table(entry.get("details"))
    context = next((count(v) for key, v in info.items() if key.endswith(".context_length")), None)
    return Served(
        client=client,
        kind="ollama",
        model=name,
        prefix=prefix,
        version=version,
        models=tuple(by_name),
        context=context,
        about=_known(
            {
                "digest": words(entry.get("digest")),
                "bytes": count(entry.get("size")),
                "parameters": count(info.get("general.parameter_count")),
                "architecture": words(info.get("general.architecture")),
                "quantisation": words(details.get("quantization_level")),
            }
        ),
    )


def _openai(client: Client, prefix: str, model: str, listed: Mapping[str, Any]) -> Served:
    entries = {words(one.get("id")): one for one in rows(listed.get("data"))}
    name = _chosen(client, model, tuple(entries)) if entries or not model else model
    entry = entries.get(name, {})
    is_vllm = words(entry.get("owned_by")) == "vllm" or "max_model_len" in entry
    version = ""
    if is_vllm:
        with suppress(EndpointError):
            version = words(client.get("/version").get("version"))
    return Served(
        client=client,
        kind="vllm" if is_vllm else "openai",
        model=name,
        prefix=prefix,
        version=version,
        models=tuple(entries),
        context=count(entry.get("max_model_len")) or count(entry.get("max_context_length")),
        about=_known(
            {"root": shown_name(words(entry.get("root"))), "created": count(entry.get("created"))}
        ),
    )


def _chosen(client: Client, model: str, names: tuple[str, ...], *, latest: bool = False) -> str:
    if model in names:
        return model
    if latest and f"{model}:latest" in names:
        return f"{model}:latest"
    if not model and len(names) == 1:
        return names[0]
    raise _wrong(client, model, names)


def _wrong(client: Client, model: str, names: tuple[str, ...]) -> EndpointError:
    served = ", ".join(map(shown_name, names[:8])) + (", …" if len(names) > 8 else "") or "none"
    wanted = f'has no model "{model}"' if model else "serves several models: name one as model"
    if not model and not names:
        wanted = "lists no model: name one as model"
    return EndpointError("wrong model", f"{client.address.text}: {wanted} (served: {served})")


def _known(about: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in about.items() if value not in (None, "")}
