"""One candidate, timed through llama_cpp alone: prefill, greedy decoding, and the peak it took."""

import json
import sys
import time
from pathlib import Path

import llama_cpp as llama

path, threads, cells, prompt, new, requests = sys.argv[1], *map(int, sys.argv[2:7])
silence = llama.llama_log_callback(lambda *_: None)
llama.llama_log_set(silence, None)
llama.llama_backend_init()
model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
params = llama.llama_context_default_params()
params.n_ctx, params.n_threads, params.n_threads_batch = cells, threads, threads
params.n_batch, params.n_ubatch, params.n_outputs_max = 2048, 512, 1
params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_ENABLED
context = llama.llama_init_from_model(model, params)
greedy = llama.llama_sampler_init_greedy()
times = []
for _ in range(requests):
    llama.llama_memory_clear(llama.llama_get_memory(context), False)
    tokens = (llama.llama_token * prompt)(*range(1000, 1000 + prompt))
    at = [time.perf_counter()]
    for number in range(new):
        llama.llama_decode(context, llama.llama_batch_get_one(tokens, len(tokens)))
        llama.llama_synchronize(context)
        if number == 0:
            at.append(time.perf_counter())
        tokens = (llama.llama_token * 1)(llama.llama_sampler_sample(greedy, context, -1))
        at.append(time.perf_counter())
    times.append([t - at[0] for t in at[1:]])
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(json.dumps({"times": times, "peak_bytes": 1024 * int(peak)}))
