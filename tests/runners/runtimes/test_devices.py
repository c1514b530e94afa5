"""A candidate that asks for a GPU is refused before anything runs where there is none."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from evals.errors import RuntimeFailure, SpecError
from runners.candidates.on_gpu import with_gpu_layers
from runners.candidates.spec import Candidate
from runners.runtimes import listed_devices
from runners.runtimes.devices import required_devices, unused_devices
from runners.runtimes.fake.spec import SPEC as FAKE
from runners.runtimes.hf.spec import SPEC as HF
from runners.runtimes.hf.spec import HfSettings
from runners.runtimes.listed_devices import listed_by
from runners.runtimes.llamacpp.spec import SPEC as LLAMACPP
from runners.runtimes.llamacpp.spec import LlamaCppSettings
from runners.runtimes.spec import RuntimeSpec, Settings
from runners.worker.offload import Device

CARD = Device(name="CUDA0", description="NVIDIA GeForce RTX 4090", backend="CUDA")
TORCHS = [replace(CARD, name=f"cuda:{index}") for index in (0, 1)]


def finding(spec: RuntimeSpec, *devices: Device) -> RuntimeSpec:
    return replace(spec, find_devices=lambda _: tuple(devices))


@pytest.mark.parametrize(
    ("told", "layers"), [("all", "all"), ("none", 0), (0, 0), (12, 12), ("12", 12)]
)
def test_layers_are_all_none_or_a_number(told: Any, layers: int | str):
    settings = LlamaCppSettings.model_validate({"gpu_layers": told})
    assert settings.gpu_layers == layers
    assert settings.needs_device == (layers != 0)


@pytest.mark.parametrize("told", [True, False, -1, 10_000, "most", None, 1.5])
def test_anything_else_is_refused(told: Any):
    with pytest.raises(ValueError, match="gpu_layers"):
        LlamaCppSettings.model_validate({"gpu_layers": told})


def test_what_asks_for_no_gpu_needs_none():
    assert required_devices("a", finding(LLAMACPP), LlamaCppSettings()) == ()
    assert required_devices("a", finding(HF), HfSettings()) == ()
    assert HfSettings().may_use_device
    assert not HfSettings(device="cpu").may_use_device
    assert not LlamaCppSettings().may_use_device


def test_a_build_without_a_gpu_is_refused_in_one_line():
    with pytest.raises(RuntimeFailure) as refused:
        required_devices("big", finding(LLAMACPP), LlamaCppSettings(gpu_layers="all"))
    said = str(refused.value)
    assert said.startswith(
        "big asks for a GPU, and the installed llamacpp can compute on none here; compile it"
    )
    assert "GGML_CUDA" in said
    assert "\n" not in said


def test_a_device_is_named_as_its_library_calls_it():
    settings = LlamaCppSettings(gpu_layers=3, device="CUDA0")
    assert required_devices("a", finding(LLAMACPP, CARD), settings) == (CARD,)
    other = LlamaCppSettings(gpu_layers=3, device="Vulkan0")
    with pytest.raises(RuntimeFailure) as refused:
        required_devices("a", finding(LLAMACPP, CARD), other)
    assert str(refused.value) == (
        "a: settings.device is Vulkan0; llamacpp finds here: CUDA0 (NVIDIA GeForce RTX 4090)"
    )


def test_cuda_is_any_of_torchs_devices_and_a_number_is_one():
    hf = finding(HF, *TORCHS)
    assert required_devices("a", hf, HfSettings(device="cuda")) == tuple(TORCHS)
    assert required_devices("a", hf, HfSettings(device="cuda:1")) == (TORCHS[1],)
    with pytest.raises(RuntimeFailure, match="device is cuda:2; hf finds here: cuda:0"):
        required_devices("a", hf, HfSettings(device="cuda:2"))


def test_an_unused_gpu_is_told_of_where_the_build_has_one():
    could = replace(finding(LLAMACPP, CARD), compiled_for_gpu=lambda: True)
    assert unused_devices(could, LlamaCppSettings()) == (CARD,)
    assert unused_devices(could, LlamaCppSettings(gpu_layers=1)) == ()
    without = replace(could, compiled_for_gpu=lambda: False)
    assert unused_devices(without, LlamaCppSettings()) == ()

    def ends(_: Settings) -> tuple[Device, ...]:
        raise RuntimeFailure("the driver hangs")

    assert unused_devices(replace(could, find_devices=ends), LlamaCppSettings()) == ()


def test_a_library_that_ends_when_it_is_asked_is_an_error_with_its_last_words():
    with pytest.raises(RuntimeFailure, match=r"torch cannot be asked for its devices: .*No module"):
        listed_by("runners.runtimes.nothing_here", library="torch")


def test_a_library_that_is_not_installed_has_no_devices(monkeypatch: pytest.MonkeyPatch):
    def missing(*_: Any, **__: Any) -> Any:
        words = b"ModuleNotFoundError: No module named 'torch'\n"
        return listed_devices.subprocess.CompletedProcess([], 1, b"", words)

    monkeypatch.setattr(listed_devices.subprocess, "run", missing)
    assert listed_by.__wrapped__("runners.runtimes.hf.devices", library="torch") == ()  # not kept


def test_a_driver_that_refuses_is_the_reason_and_not_the_build(monkeypatch: pytest.MonkeyPatch):
    said = {"llama_cpp": b"ggml_cuda_init: failed to initialize CUDA: driver version is too old\n"}
    said["torch"] = (
        b"/x/torch/cuda/__init__.py:184: UserWarning: CUDA initialization: The NVIDIA driver on "
        b"your system is too old (found version 11040). (Triggered internally at x.cpp:109.)\n"
        b"  return torch._C._cuda_getDeviceCount() > 0\n"
    )

    def answers(stdout: bytes, stderr: bytes) -> Any:
        return lambda *_, **__: listed_devices.subprocess.CompletedProcess([], 0, stdout, stderr)

    ask = listed_by.__wrapped__  # not kept
    for library, why in (
        ("llama_cpp", "driver version is too old"),
        ("torch", r"The NVIDIA driver on your system is too old \(found version 11040\)\.$"),
    ):
        monkeypatch.setattr(listed_devices.subprocess, "run", answers(b"[]\n", said[library]))
        with pytest.raises(RuntimeFailure, match=f"{library} finds no GPU: {why}"):
            ask("a.module", library=library)
    # One interface of two has a device.
    found = json.dumps([asdict(CARD)]).encode()
    monkeypatch.setattr(listed_devices.subprocess, "run", answers(found, said["llama_cpp"]))
    assert ask("a.module", library="llama_cpp") == (CARD,)


def test_layers_of_the_command_line_make_another_candidate():
    one = Candidate.model_validate({"name": "a", "weights": "a.gguf", "settings": {"context": 64}})
    more = with_gpu_layers(one, "all")
    assert more.settings.model_dump(exclude_unset=True) == {"context": 64, "gpu_layers": "all"}
    assert with_gpu_layers(more, 0).settings.model_dump(exclude_defaults=True) == {"context": 64}
    with pytest.raises(SpecError, match="a: settings"):
        with_gpu_layers(one, 10_000)
    folder = Candidate.model_validate({"name": "b", "runtime": "hf", "weights": "b"})
    with pytest.raises(SpecError, match=r"b: runtime hf counts no layers; settings\.device says"):
        with_gpu_layers(folder, 3)


def test_the_fake_has_the_gpu_that_it_is_told():
    told = Candidate.model_validate(
        {"name": "f", "runtime": "fake",
         "settings": {"gpu_layers": 2, "fake": {"device": "A card"}}}
    )  # fmt: skip
    (device,) = required_devices("f", FAKE, told.settings)
    assert device.title == "FAKE0 (A card)"
