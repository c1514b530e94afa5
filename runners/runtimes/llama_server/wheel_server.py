"""llama.cpp's server out of the package xllamacpp, by llama-server's arguments.

The package has the server as a class and no command line. It is measured as it runs here, with the
Python around it.
"""

from __future__ import annotations

import argparse
import sys
import threading

TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0")


def parser() -> argparse.ArgumentParser:
    """The arguments of llama-server that are understood; `--help` lists them."""
    known = argparse.ArgumentParser(prog="llama-server (xllamacpp)", allow_abbrev=False)
    known.add_argument("-m", "--model", required=True)
    known.add_argument("--host", default="127.0.0.1")
    known.add_argument("--alias", default="")
    for flags in (("--port",), ("-c", "--ctx-size"), ("-t", "--threads"), ("-np", "--parallel")):
        known.add_argument(*flags, type=int, required=True)
    known.add_argument("-fa", choices=("on", "off"), default="on", help="[on|off|auto]")
    for flag in ("-ctk", "-ctv"):
        known.add_argument(flag, choices=TYPES, default="f16")
    known.add_argument("-ngl", type=int, default=0)
    known.add_argument("-lm", choices=("mmap", "none"), default="mmap")
    known.add_argument("-cram", type=int, default=8192)
    known.add_argument("-lv", type=int, default=3)
    for flag in ("--no-repack", "--no-cache-prompt"):
        known.add_argument(flag, action="store_true")
    return known


def main() -> None:
    """Serve until somebody ends the process."""
    asked = parser().parse_args()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = asked.model, {asked.alias} - {""}
    params.hostnames, params.port = [asked.host], asked.port
    params.n_ctx, params.n_parallel, params.n_gpu_layers = asked.ctx_size, asked.parallel, asked.ngl
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = asked.threads
    attention = xllamacpp.llama_flash_attn_type
    params.flash_attn_type = (
        attention.LLAMA_FLASH_ATTN_TYPE_ENABLED
        if asked.fa == "on"
        else attention.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    kinds = xllamacpp.ggml_type
    params.cache_type_k = getattr(kinds, f"GGML_TYPE_{asked.ctk.upper()}")
    params.cache_type_v = getattr(kinds, f"GGML_TYPE_{asked.ctv.upper()}")
    if asked.lm == "none":
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.cache_prompt, params.cache_ram_mib = not asked.no_cache_prompt, asked.cram
    params.no_extra_bufts, params.verbosity = asked.no_repack, asked.lv
    params.fit_params = params.ui = False
    params.offline = True
    server = xllamacpp.Server(params)
    sys.stderr.write(f"listening on {server.listening_address}\n")
    threading.Event().wait()


if __name__ == "__main__":
    main()
