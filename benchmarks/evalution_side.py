"""Evalution's llama.cpp engine in a process: `python -m benchmarks.evalution_side GGUF THREADS`.

Lines of JSON as in `lm_eval_side.py`; a request's two texts may be lists of tokens instead. The
time is that of the session's `loglikelihood`. Needs `pip install Evalution==0.0.17`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def main() -> None:
    """Answer lines until there are no more."""
    path, threads = sys.argv[1], int(sys.argv[2])
    # stdout is for answers alone; Evalution greets there.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = _session(path, threads)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        requests = [_request(*pair) for pair in json.loads(line)["requests"]]
        started = time.perf_counter()
        found = session.loglikelihood(requests)
        seconds = time.perf_counter() - started
        reply = {"seconds": seconds, "answers": [float(one.logprob) for one in found]}
        print(json.dumps(reply), file=answers, flush=True)


def _session(path: str, threads: int) -> Any:
    """A session with Evalution's defaults, but for the threads."""
    from evalution.config import Model
    from evalution.engines.llama_cpp_engine import LlamaCpp

    config = LlamaCpp(device="cpu", n_threads=threads, n_threads_batch=threads)
    return config.build(Model(path=path))


def _request(context: Any, continuation: Any) -> Any:
    from evalution.engines.base import LoglikelihoodRequest

    if isinstance(context, str):
        return LoglikelihoodRequest(context=context, continuation=continuation)
    return LoglikelihoodRequest(context_input_ids=context, continuation_input_ids=continuation)


if __name__ == "__main__":
    main()
