"""Advice for runtimes whose packages are missing or do not fit; used in several places."""

MISSING = (
    "llama-cpp-python is not installed: run make demo in the checkout, or there: "
    "python tools/install.py llamacpp"
)
REBUILD = (
    "CMAKE_ARGS=-DLLAVA_BUILD=OFF pip install --force-reinstall --no-deps --no-cache-dir "
    "--no-binary llama-cpp-python llama-cpp-python==0.3.36"
)
KEEP_AMX = f"CXXFLAGS='-fno-tree-dse -fno-dse' {REBUILD}"
"""For builds whose AMX kernels fail: some GCCs leave out stores that AMX needs, but not so."""
HF_MISSING = "torch and transformers are not installed: in the checkout: python tools/install.py hf"
NEEDED_BY = {"llama_cpp": MISSING, "torch": HF_MISSING, "transformers": HF_MISSING}
"""Advice by the module that cannot be found."""
