"""Advice for when llama-cpp-python is missing or does not compute; used in several places."""

MISSING = (
    "llama-cpp-python is not installed: run make demo in the checkout, or there: "
    "python tools/install.py llamacpp"
)
REBUILD = (
    "CMAKE_ARGS=-DLLAVA_BUILD=OFF pip install --force-reinstall --no-deps --no-cache-dir "
    "--no-binary llama-cpp-python llama-cpp-python==0.3.36"
)
NO_GPU = (
    "compile it for yours: CMAKE_ARGS=-DGGML_CUDA=ON (or -DGGML_VULKAN=ON, -DGGML_METAL=ON, "
    "-DGGML_HIP=ON) pip install --force-reinstall --no-deps --no-cache-dir --no-binary "
    "llama-cpp-python llama-cpp-python==0.3.36; docs/gpus.md"
)
KEEP_AMX = f"CXXFLAGS='-fno-tree-dse -fno-dse' {REBUILD}"
"""Command to build without the AMX fault: some GCCs leave out stores that AMX needs, but not so."""
