"""Description of a runtime for the parent: one `RuntimeSpec`, in the `spec.py` of the runtime's
folder.

The measured child imports none of these: it is given `code`, and pydantic would count as the
candidate's memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evals.spec_file import NAME, Spec
from runners.runtimes.hf.advice import MISSING
from runners.worker.offload import Device

Ability = Literal["latency", "scoring", "generation", "logits", "users", "contexts"]
"""logits: whole rows of them, over the vocabulary; users: several at once; contexts: answers in a
context of a given length."""
Format = Literal["gguf", "folder", "ir", "app"]
"""gguf: one file; folder: safetensors with config.json; ir: a folder with a graph of
OpenVINO's and its tokenizer; app: Python that serves a model itself."""
FOLDERS: tuple[Format, ...] = ("folder", "ir")
USUAL: frozenset[Ability] = frozenset({"latency", "scoring", "generation"})
OF_SERVERS = USUAL | frozenset[Ability]({"users"})
EVERYTHING = USUAL | frozenset[Ability]({"logits", "contexts"})
_CODE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


class Settings(Spec):
    """Settings that every runtime has; a runtime's own settings are a subclass.

    The child is told all of them, and a candidate's digest those that differ from their default:
    a default that changes would be another candidate under an old digest.
    """

    incidental: ClassVar[frozenset[str]] = frozenset()
    """Settings that do not make another candidate: how it is reached, how long it is waited for."""

    context: Annotated[int, Field(ge=16, le=1_048_576)] | None = None
    """Context length in tokens; default: what the model was trained for, at most 4,096."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Default: the usable cores (affinity and CPU quota)."""

    @property
    def elsewhere(self) -> str:
        """Host and port of a model that runs where nothing of it can be measured but its answers;
        empty where it runs here.
        """
        return ""

    @property
    def runs_code(self) -> str:
        """The setting that runs somebody's code, and what it runs; empty where none does."""
        return ""

    @property
    def needs_device(self) -> bool:
        """True where it asks for a GPU, so that a build that has none is refused beforehand."""
        return False

    @property
    def may_use_device(self) -> bool:
        """True where it may end on a GPU, whose memory is then watched."""
        return self.needs_device

    @property
    def device_asked(self) -> str:
        """Name of the GPU that was asked for, as its library calls it; empty: any."""
        return ""

    @property
    def most_items(self) -> int | None:
        """Most items that one run may ask; None: any number."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that a runtime starts, as it lies on this machine."""

    command: tuple[str, ...]
    """Its path, and what comes before the runtime's own arguments."""
    build: tuple[str, ...]
    """Versions and hashes that say which build it is."""
    version: str = ""
    """Version in its own words; empty: it is known only once it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """A module that turns a GGUF into a folder, in a process of its own: `MODULE SRC DST TYPE`.

    TYPE is the type that most of the parameters have. It exits with 0; with `NOT_INSTALLED` where a
    package is missing; else with any other code and a reason as the last line of stderr.
    """

    module: str
    package: str
    """Distribution whose version says which converter it is."""
    weights: str
    """Pattern of the files that hold the weights."""
    missing: str
    """One line for people who lack a package."""


TO_SAFETENSORS = Converter(
    module="runners.runtimes.hf.convert",
    package="transformers",
    weights="*.safetensors",
    missing=MISSING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSpec:
    """A runtime, without its code: what it takes, what it may do, what it needs installed."""

    name: str
    """Name in a candidate's file."""
    code: str
    """`package.module:Class`, imported by the child alone. The class is a `Runtime`
    (runners/worker/runtime.py); the module also has the strings `VERSION` and `BUILD`."""
    settings: type[Settings] = Settings
    """Model of its settings; unknown keys are refused."""
    weights: Literal["required", "optional", "none"]
    formats: tuple[Format, ...] = ()
    """Formats of weights that it loads. One that takes folders alone is given a GGUF converted into
    one."""
    converter: Converter = TO_SAFETENSORS
    """Makes the folder, where it takes folders alone."""
    window: int | None = None
    """Generations that are asked, and kept, together; None: as many as usual."""
    can: frozenset[Ability] = USUAL
    """The most it may do. Whether it can with these weights is found out when they are loaded."""
    packages: tuple[str, ...]
    """Distributions whose versions and compiled libraries say which build of it this is."""
    modules: tuple[str, ...] = ()
    """Modules of those packages that it cannot be imported without."""
    missing: str = ""
    """One line for people who lack a package: `X is not installed: COMMAND`."""
    find_program: Callable[[Any], Program] | None = None
    """Finds the program that it starts, by a candidate's settings; that process and what it starts
    are measured, not the worker. Raises RuntimeFailure where it is not here. None: in process."""
    tells_gpu: bool = False
    """True: `Loaded.offloaded` has all that it puts on devices, and None means nothing. False: what
    it puts there is not known, so that no limit of GPU memory is judged by it."""
    find_devices: Callable[[Any], tuple[Device, ...]] | None = None
    """Asks the installed build, in another process, which GPUs it can compute on, by a candidate's
    settings. Raises RuntimeFailure where it cannot be asked. None: it computes on none."""
    compiled_for_gpu: Callable[[], bool] | None = None
    """Sees by files alone whether the build may find a GPU. None: it is not seen so, and nobody is
    told of a GPU that stays unused."""
    no_device: str = ""
    """What to do where it finds none."""
    rebuild: str = ""
    """Command that compiles it for this processor; empty: it is not compiled here."""
    starts_in_a_moment: bool = True
    """False: its libraries take seconds to import, so that `weighin doctor` does not start it."""

    def __post_init__(self) -> None:
        """Refuse what would fail later, or elsewhere.

        Raises:
            ValueError: the name, the code or the formats cannot be.
        """
        if not re.fullmatch(NAME, self.name):
            raise ValueError(f'"{self.name}" is no name for a runtime (like this: my-runtime)')
        if not re.fullmatch(_CODE, self.code):
            raise ValueError(f'code "{self.code}" is not package.module:Class')
        if (self.weights == "none") == bool(self.formats):
            raise ValueError(f"weights {self.weights}, but formats {list(self.formats)}")

    @property
    def converts(self) -> bool:
        """True: it loads a GGUF only once that was converted into a folder."""
        return bool(self.formats) and set(self.formats) <= set(FOLDERS)

    @property
    def folder(self) -> Format | None:
        """The kind of folder that it loads; None: none."""
        return next((one for one in self.formats if one in FOLDERS), None)
