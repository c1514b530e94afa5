"""The installed llama_cpp, but failing as FAILING_LLAMA says; put this folder on PYTHONPATH.

`SIGSEGV`, or another signal: dies of it at the first decode. `nan`, `garbage`: computes that.
`hang`: never comes back. `import`: dies when imported. With ` extra` behind it, only where weights
were loaded with extra buffers, as a build does whose AMX kernels are compiled wrongly.
"""

import importlib
import os
import signal
import sys
import time
from pathlib import Path

how, _, when = os.environ["FAILING_LLAMA"].partition(" ")
if how == "import":
    os.kill(os.getpid(), signal.SIGILL)

own = Path(__file__).parents[1]
sys.path = [path for path in sys.path if Path(path).absolute() != own]
del sys.modules["llama_cpp"]
real = importlib.import_module("llama_cpp")
load, decode = real.llama_model_load_from_file, real.llama_decode
armed = when != "extra"
calls = 0


def failing_load(path, params):
    global armed
    armed = when != "extra" or params.use_extra_bufts
    return load(path, params)


def failing_decode(context, batch):
    global calls
    calls += 1
    if armed and how.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, how))
    if armed and how == "hang":
        time.sleep(600)
    code = decode(context, batch)
    if armed and how in ("nan", "garbage"):
        # Of another sign each time: what is wrong alike in all types is no deviation.
        value = float("nan") if how == "nan" else (-1) ** calls * 1e4
        real.llama_get_logits(context)[0] = value
    return code


real.llama_model_load_from_file, real.llama_decode = failing_load, failing_decode
