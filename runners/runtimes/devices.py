"""GPUs that candidates ask for: found before anything runs, or refused."""

from __future__ import annotations

from evals.errors import RuntimeFailure
from runners.runtimes.spec import RuntimeSpec, Settings
from runners.worker.offload import Device


def devices_of(spec: RuntimeSpec, settings: Settings) -> tuple[Device, ...]:
    """The GPUs that the installed build of a runtime can compute on.

    Raises:
        RuntimeFailure: it cannot be asked.
    """
    return spec.find_devices(settings) if spec.find_devices else ()


def unused_devices(spec: RuntimeSpec, settings: Settings) -> tuple[Device, ...]:
    """GPUs that a candidate could use and asks nothing of; a build without any is not started."""
    could = spec.compiled_for_gpu is not None and not settings.may_use_device
    if not could or not (spec.compiled_for_gpu and spec.compiled_for_gpu()):
        return ()
    try:
        return devices_of(spec, settings)
    except RuntimeFailure:  # nothing asks for them: the run needs none
        return ()


def required_devices(name: str, spec: RuntimeSpec, settings: Settings) -> tuple[Device, ...]:
    """The GPUs that a candidate asks for; none where it asks for none.

    Args:
        name: of the candidate, for the message.
        spec: its runtime.
        settings: its settings.

    Raises:
        RuntimeFailure: they are not here, or the build cannot compute on them.
    """
    if not settings.needs_device:
        return ()
    found = devices_of(spec, settings)
    asked = settings.device_asked
    # `cuda` means any of cuda:0, cuda:1.
    able = tuple(d for d in found if asked in ("", d.name, d.name.partition(":")[0]))
    if able:
        return able
    here = ", ".join(device.title for device in found)
    if asked and here:
        raise RuntimeFailure(f"{name}: settings.device is {asked}; {spec.name} finds here: {here}")
    advice = f"; {spec.no_device}" if spec.no_device else ""
    raise RuntimeFailure(
        f"{name} asks for a GPU, and the installed {spec.name} can compute on none here{advice}"
    )
