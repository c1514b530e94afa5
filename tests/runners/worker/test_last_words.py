"""Which line of a dead process's stderr says why it died."""

from __future__ import annotations

import pytest

from runners.worker.last_words import driver_refusal, last_words, signal_name

ASSERTION = "llama-model.cpp:1203: GGML_ASSERT(hparams.n_expert_groups == 0) failed"


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("", ""),
        ("\n \n", ""),
        ("first\nsecond \t line\n\n", "second line"),
        # Where gdb is installed, ggml's abort attaches it, and it has the last word.
        (f"{ASSERTION}\n[New LWP 7]\n0x00007f in wait4 ()\n[Inferior 1 detached]\n", ASSERTION),
        # The folder is the one that somebody's wheel was compiled in.
        (f"/tmp/pip-build-1/vendor/llama.cpp/src/{ASSERTION}\n", ASSERTION),
        (f"C:\\build\\src\\{ASSERTION}\n", ASSERTION),
        ("GGML_ASSERT(a) failed\nGGML_ASSERT(b) failed\nbye", "GGML_ASSERT(b) failed"),
        # ggml's abort names the place alone; the reason stands before it.
        (
            "CUDA error: out of memory\n  current device: 0, in function alloc at ggml-cuda.cu:42\n"
            "  cuMemCreate(&handle, size)\n/src/ggml-cuda.cu:98: CUDA error\n[New LWP 7]\n",
            "CUDA error: out of memory",
        ),
        ("ROCm error: invalid device function\nabort", "ROCm error: invalid device function"),
        ("cannot open /a/b/c.gguf: 3: no such file", "cannot open /a/b/c.gguf: 3: no such file"),
        ("x" * 400, "x" * 300),
    ],
)
def test_an_assertion_is_said_before_the_last_line(stderr: str, said: str) -> None:
    assert last_words(stderr) == said


def test_a_driver_says_why_it_refuses() -> None:
    said = "x\nggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected\ny"
    assert driver_refusal(said) == "no CUDA-capable device is detected"
    assert driver_refusal("ggml_vulkan: Found 1 Vulkan devices:") == ""


def test_signals_have_names_but_for_some() -> None:
    assert signal_name(11) == "SIGSEGV"
    assert signal_name(40) == "signal 40"
