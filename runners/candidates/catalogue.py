"""Candidates of the catalogue, and what else a user may write where one is asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError
from evals.fetch.cache import user_path
from evals.fetch.split_files import whole_name
from evals.spec_file import FILES, MAX_NAME, check_spec, find_spec, reachable, spec_names
from runners.candidates.app_file import is_app
from runners.candidates.gguf_header import GgufHeader, read_header
from runners.candidates.ir_folder import GRAPH
from runners.candidates.spec import Candidate
from runners.endpoint.address import read_address
from runners.runtimes.table import URL_RUNTIME, app_elsewhere, usual_runtime

if TYPE_CHECKING:
    from runners.runtimes.spec import Format

FOLDER = Path(__file__).parents[1] / "catalog" / "candidates"
_HUB_ID = re.compile(r"(?:hf:)?([\w-][\w.-]*/([\w-][\w.-]*))(@[^#@]+)?(?:#(.+))?")


def candidate_names() -> list[str]:
    """Every candidate of the catalogue, sorted."""
    return spec_names(FOLDER)


def find_candidate(text: str) -> Candidate:
    """A candidate by whatever names one.

    Args:
        text: a name of the catalogue, a YAML file, a `.gguf`, a folder of safetensors, or a Hub id
            (`org/name`, `org/name#file.gguf`, `org/name#Q4_K_M`, with `@revision` before the `#`);
            the address of a server (`http://host:8000/v1`, `http://host:8000/v1#model`); an app's
            file (`app.py`), or the address of one that runs (`https://owner-name.hf.space`,
            `gradio:owner/name`, `gradio:http://127.0.0.1:7860`).

    Raises:
        SpecError: it names nothing, or a file that is no candidate.
        ArtifactError: the `.gguf` is damaged.
    """
    with reachable(text):
        return _candidate(text)


def _candidate(text: str) -> Candidate:
    if text in candidate_names():
        return _read(text)
    path = user_path(text)
    if text and path.is_dir():
        return _from_folder(path.absolute())
    if path.suffix.lower() == ".gguf" and path.is_file():
        return _from_gguf(path.absolute())
    if is_app(path):
        return _from_app(path.absolute())
    if elsewhere := app_elsewhere(text):
        return _from_address(text, *elsewhere)
    hub = _HUB_ID.fullmatch(text)
    if hub and _means_the_hub(text, hub):
        return _from_hub(text, hub)
    if re.match(r"pypi:|https?:.*\.(gguf|safetensors)$", text):
        raise SpecError(f"{text}: is an address of weights; name it in a YAML file, as weights:")
    if re.match(r"https?:", text):
        return _from_url(text)
    return _beside_its_file(_read(text), path)


def _read(text: str) -> Candidate:
    return find_spec(text, Candidate, FOLDER, word="candidate", files=FILES)


def _means_the_hub(text: str, hub: re.Match[str]) -> bool:
    """`org/name` could be a path too: of a file that is missing, or in a folder that is here."""
    if text.startswith("hf:") or hub[4]:
        return True
    return not text.lower().endswith(FILES) and not Path(text).parent.is_dir()


def _beside_its_file(candidate: Candidate, path: Path) -> Candidate:
    """A relative path to weights is meant from the YAML's folder, not from the user's."""
    weights = candidate.weights
    if not weights or not path.is_file() or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|~", weights):
        return candidate
    return candidate.model_copy(update={"weights": str(path.absolute().parent / weights)})


def _from_gguf(path: Path) -> Candidate:
    name = slug(Path(whole_name(path.name)).stem)
    return Candidate(name=name, family=_family(read_header(path)) or name, weights=str(path))


def _from_folder(path: Path) -> Candidate:
    """A model's folder; of the hub's cache, the repository's name is meant, not the commit's."""
    kind: Format = "ir" if (path / GRAPH).is_file() else "folder"
    if not (path / "config.json").is_file():
        raise SpecError(
            f"{path}: is a folder without config.json, so it is no model; name a folder of "
            "safetensors, or a .gguf file"
        )
    of_hub = re.fullmatch(r"models--(?:.+--)?(.+)", path.parent.parent.name)
    name = slug(of_hub[1] if of_hub and path.parent.name == "snapshots" else path.name)
    return Candidate(name=name, family=name, runtime=usual_runtime(kind), weights=str(path))


def _from_url(text: str) -> Candidate:
    """A model behind an address; its name is that of the model there, and of the host."""
    url, _, model = text.partition("#")
    try:
        place = slug(read_address(url).place)
    except ValueError as error:
        # The address itself may hold a key, and is not repeated.
        raise SpecError(f"an address of a server {error}") from error
    settings = {"url": url, **({"model": model} if model else {})}
    return Candidate.model_validate(
        {
            "name": slug(f"{model}-{place}") if model else place,
            "family": slug(model) if model else place,
            "runtime": URL_RUNTIME,
            "settings": settings,
        }
    )


def _from_app(path: Path) -> Candidate:
    """An app's file; `app.py` is called like its folder, as a Space is."""
    name = slug(path.parent.name if path.stem == "app" else path.stem)
    return Candidate(name=name, family=name, runtime=usual_runtime("app"), weights=str(path))


def _from_address(text: str, runtime: str, settings: dict[str, Any]) -> Candidate:
    """An app that runs elsewhere, called like its address."""
    address = re.sub(r"^(\w+:)?(https?://)?", "", text).removesuffix("/")
    name = slug(address.removesuffix(".hf.space"))
    content = {"name": name, "family": name, "runtime": runtime, "settings": settings}
    return check_spec(content, Candidate, where=text)


def _family(header: GgufHeader) -> str:
    """Name that the quantisations of one model share, from their headers.

    The base name alone would make one family of a model's 135 M and 1.7 B versions.
    """
    keys = ("general.basename", "general.size_label", "general.finetune")
    parts = [str(header.metadata[key]) for key in keys if header.metadata.get(key)]
    return slug("-".join(parts) if header.metadata.get("general.basename") else header.name)


def _from_hub(text: str, hub: re.Match[str]) -> Candidate:
    repo, short, revision, file = hub.groups()
    if file and not (file.lower().endswith(".gguf") or re.fullmatch(r"[\w-]+", file)):
        raise SpecError(
            f'{text}: "{file}" is not a .gguf, nor a quantisation such as Q4_K_M; a repository of '
            "safetensors is named without a file"
        )
    uri = f"hf:{repo}{revision or ''}" + (f"#{file}" if file else "")
    family = re.sub(r"-gguf$", "", slug(short))
    # Which files a repository has is not known without a network; its name says it by custom.
    is_gguf = file or "gguf" in short.lower()
    named = f"{family}-{file}" if file and "." not in file else Path(whole_name(file or short)).stem
    return Candidate(
        name=slug(named if file else short),
        family=family,
        runtime=usual_runtime("gguf" if is_gguf else "folder"),
        weights=uri,
    )


def slug(text: str) -> str:
    """Lower case with dashes; a dot stays between digits: `Qwen2.5-1B.Q4_1` is `qwen2.5-1b-q4_1`.

    Used for the names and families of candidates that have no file of their own.
    """
    plain = re.sub(r"[^a-z0-9._]+|(?<!\d)\.|\.(?!\d)", "-", text.lower())[:MAX_NAME]
    return re.sub(r"-{2,}", "-", plain).strip("-._") or "model"
