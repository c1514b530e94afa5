"""What to do when llama.cpp is missing or does not fit this CPU; said in several places."""

MISSING = (
    "llama-cpp-python is not installed: run make demo in the checkout, or there: "
    "pip install -e '.[llamacpp]'"
)
REBUILD = (
    "CMAKE_ARGS=-DLLAVA_BUILD=OFF pip install --force-reinstall --no-deps --no-cache-dir "
    "--no-binary llama-cpp-python llama-cpp-python==0.3.36"
)
