"""Checks of GPUs: what each installed build can compute on, and how their memory is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evals.errors import RuntimeFailure
from runners.compute.machine import machine
from runners.doctor.check import Check, ShowBytes
from runners.measure.nvml import NOT_INSTALLED, Nvml, start
from runners.runtimes.devices import devices_of
from runners.runtimes.packages import installed
from runners.runtimes.spec import RuntimeSpec
from runners.runtimes.table import RUNTIMES, usual_runtime
from runners.worker.offload import Device

Found = Mapping[str, tuple[Device, ...] | str]
"""By runtime the GPUs that its build can compute on, or why it could not be asked."""


DRIVER = (
    "see that the driver works (nvidia-smi, rocminfo, vulkaninfo --summary): the build is for a GPU"
)
"""Advice where a library is there and cannot be asked, or its driver gives it no device."""


def gpu_checks(show: ShowBytes) -> Iterator[Check]:
    """The GPUs of each runtime, and where there are any the counter of their memory."""
    found, seen = find_gpus(), machine().gpu
    yield gpu_check(found, seen, RUNTIMES[usual_runtime("gguf")].no_device, show)
    devices = [one for told in found.values() if not isinstance(told, str) for one in told]
    if devices or seen:
        nvml = start() if seen or any(one.nvidia for one in devices) else None
        yield gpu_memory_check(nvml, devices)
        if isinstance(nvml, Nvml):
            nvml.stop()


def find_gpus() -> Found:
    """The GPUs by runtime, of those that are here and may have any."""
    found: dict[str, tuple[Device, ...] | str] = {}
    for name, spec in RUNTIMES.items():
        if spec.find_devices is None or not _is_here(spec):
            continue
        if spec.compiled_for_gpu is not None and not spec.compiled_for_gpu():
            found[name] = ()
            continue
        try:
            found[name] = devices_of(spec, spec.settings())
        except RuntimeFailure as error:
            found[name] = str(error)
    return found


def gpu_check(
    found: Found, seen: Sequence[str], advice: str, show: ShowBytes, usual: str = ""
) -> Check:
    """Say what can be offloaded.

    Args:
        found: by runtime.
        seen: GPUs of the machine, whatever can use them.
        advice: how the usual runtime is built for a GPU.
        show: turns bytes into text.
        usual: name of that runtime; default: that of GGUF weights.
    """
    usual = usual or usual_runtime("gguf")
    able = {name: told for name, told in found.items() if told}
    said = "; ".join(f"{name}: {_told(told, show)}" for name, told in able.items())
    unasked = "layers go there only where a candidate asks (--gpu-layers all)"
    if isinstance(found.get(usual), str):
        return Check(name="GPU", status="limited", found=said, advice=DRIVER)
    if found.get(usual):
        return Check(name="GPU", status="ok", found=f"{said}; {unasked}")
    if seen:
        lacks = f"{', '.join(seen)}, which {usual} was not compiled for"
        whole = f"{lacks}; {said}" if said else lacks
        return Check(name="GPU", status="limited", found=whole, advice=advice)
    return Check(name="GPU", status="ok", found=said or "none: candidates compute on the processor")


def gpu_memory_check(nvml: Nvml | str | None, devices: Sequence[Device]) -> Check:
    """Say how device memory is measured.

    Args:
        nvml: NVIDIA's library, or why it does not start; None: no device is NVIDIA's.
        devices: that some runtime can compute on.
    """
    if isinstance(nvml, Nvml):
        cards = ", ".join(dict.fromkeys(card.name for card in nvml.cards)) or "no device"
        found = f"NVML, driver {nvml.driver}"
        if why := nvml.unlisted():
            found = f"{found}: by difference, not by process, on {cards}: {why}"
            return Check(name="GPU memory", status="limited", found=found, advice="docs/gpus.md")
        return Check(name="GPU memory", status="ok", found=f"{found}: by process, on {cards}")
    if nvml is not None:
        advice = "pip install weighin[nvidia]" if nvml == NOT_INSTALLED else "docs/gpus.md"
        return Check(name="GPU memory", status="limited", found=nvml, advice=advice)
    if devices and all(one.unified for one in devices):
        found = "unified: it is the host's"
        return Check(name="GPU memory", status="ok", found=found)
    return Check(
        name="GPU memory",
        status="limited",
        found="no counter by process is read for this kind of device",
        advice="nothing to do: the record has the runtime's own account of its buffers",
    )


def _is_here(spec: RuntimeSpec) -> bool:
    """True where its packages or its program are installed, and it is no fake."""
    if spec.weights == "none" or not all(map(installed, spec.packages)):
        return False
    if spec.find_program is None:
        return True
    try:
        spec.find_program(spec.settings())
    except RuntimeFailure:
        return False
    return True


def _told(told: tuple[Device, ...] | str, show: ShowBytes) -> str:
    if isinstance(told, str):
        return told
    sizes = [(one, f", {show(one.total_bytes)}" if one.total_bytes else "") for one in told]
    return ", ".join(f"{one.title}{size}" for one, size in sizes)
