"""The one table of runtimes: ours, and those that installed packages bring.

A package brings one by an entry point of the group `weighin.runtimes`, named as the runtime, whose
object is its `RuntimeSpec`:

    [project.entry-points."weighin.runtimes"]
    my-runtime = "my_package.spec:SPEC"

Only the parent imports this. The child is given the runtime's code on its command line.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from evals.errors import SpecError, did_you_mean, one_line
from runners.runtimes.endpoint.spec import SPEC as ENDPOINT
from runners.runtimes.fake.spec import SPEC as FAKE
from runners.runtimes.gradio.spec import SPEC as GRADIO
from runners.runtimes.gradio.spec import settings_of as gradio_settings
from runners.runtimes.hf.spec import SPEC as HF
from runners.runtimes.llama_server.spec import SPEC as LLAMA_SERVER
from runners.runtimes.llamacpp.spec import SPEC as LLAMACPP
from runners.runtimes.mlx.spec import SPEC as MLX
from runners.runtimes.openvino.spec import SPEC as OPENVINO
from runners.runtimes.own_server.spec import SPEC as OWN_SERVER
from runners.runtimes.spec import Format, RuntimeSpec

GROUP = "weighin.runtimes"
_OURS = (LLAMACPP, HF, OPENVINO, MLX, LLAMA_SERVER, OWN_SERVER, GRADIO, FAKE, ENDPOINT)
RUNTIMES = {one.name: one for one in _OURS}
URL_RUNTIME = ENDPOINT.name
"""The runtime of a candidate that is an address."""
SERVE_RUNTIME = OWN_SERVER.name
"""The runtime of a candidate that is a command."""


def find_runtime(name: str) -> RuntimeSpec:
    """A runtime by its name; one of ours before a stranger's of the same name.

    Raises:
        SpecError: there is none, or the package that brings it cannot be loaded.
    """
    if name in RUNTIMES:
        return RUNTIMES[name]
    if name in _strangers():
        return _loaded(name)
    raise SpecError(f'no runtime "{name}"{did_you_mean(name, runtime_names())}')


def runtime_names() -> list[str]:
    """Every runtime that a candidate can name, ours first."""
    return [*RUNTIMES, *sorted(name for name in _strangers() if name not in RUNTIMES)]


def usual_runtime(weights: Format) -> str:
    """The runtime of weights that nobody named one for: the first of ours that takes them."""
    return next(one.name for one in RUNTIMES.values() if weights in one.formats)


def app_elsewhere(text: str) -> tuple[str, dict[str, Any]] | None:
    """Runtime and settings of an app that a text names by its address; None where it names none."""
    settings = gradio_settings(text)
    return None if settings is None else (GRADIO.name, settings)


@cache
def _strangers() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


@cache
def _loaded(name: str) -> RuntimeSpec:
    point = _strangers()[name]
    where = f"runtime {name} (of {point.dist.name if point.dist else point.value})"
    try:
        found = point.load()
    except Exception as error:  # a stranger's code may raise anything while it is imported
        raise SpecError(f"{where}: cannot be loaded: {one_line(error)}") from error
    if not isinstance(found, RuntimeSpec):
        raise SpecError(f"{where}: {point.value} is {type(found).__name__}, no RuntimeSpec")
    if found.name != name:
        raise SpecError(f'{where}: {point.value} says that its name is "{found.name}"')
    return found
