"""Whether llama.cpp was compiled for a GPU is seen from its libraries' names."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.runtimes.llamacpp.gpu_build import EXTRA, compiled_for_gpu

COMMON = ("libllama.so", "libggml.so.0", "libggml-base.so.0.25.3", "libggml-cpu-zen4.so")


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ((), False),
        (("libggml-blas.so", "libggml-rpc.so"), False),
        (("libggml-cuda.so",), True),
        (("libggml-metal.dylib",), True),
        (("ggml-vulkan.dll",), True),
    ],
)
def test_the_files_beside_llama_cpp_tell(
    more: tuple[str, ...], found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(EXTRA, raising=False)
    for name in (*COMMON, *more):
        (tmp_path / name).touch()
    assert compiled_for_gpu(tmp_path) == found


def test_ggmls_own_variable_names_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(EXTRA, "/opt/libggml-vulkan.so")
    assert compiled_for_gpu(tmp_path)
