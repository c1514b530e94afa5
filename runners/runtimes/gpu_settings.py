"""Settings of runtimes that can put layers of a model on a GPU."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from runners.runtimes.spec import Settings

MOST_LAYERS = 9_999


def _layers(told: object) -> object:
    """`none` is 0, so that both are one candidate; YAML's truth values are no numbers."""
    if told == "none":
        return 0
    return str(told) if isinstance(told, bool) else told


GpuLayers = Annotated[
    Literal["all"] | Annotated[int, Field(ge=0, le=MOST_LAYERS)], BeforeValidator(_layers)
]


class GpuSettings(Settings):
    """Settings of a runtime of the family of llama.cpp."""

    gpu_layers: GpuLayers = 0
    """Layers on the GPU, the output's counted as one: all, none (default) or a number. None: no
    GPU takes part, whatever the build can do."""
    device: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_:.-]{0,63}$")] = "auto"
    """The device that they go to, as the library calls it (`CUDA0`, `Vulkan1`; weighin doctor lists
    them). auto: llama.cpp chooses every GPU with memory of its own, else those that share the
    host's."""

    @property
    def needs_device(self) -> bool:
        """True where a layer is to be on a GPU."""
        return self.gpu_layers != 0

    @property
    def device_asked(self) -> str:
        """Name of the device that was asked for; empty: any."""
        return "" if self.device == "auto" else self.device
