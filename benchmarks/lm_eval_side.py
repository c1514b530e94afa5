"""lm-eval's own backends in a process: `python -m benchmarks.lm_eval_side hf|gguf PATH THREADS`.

A line of JSON in: `{"requests": [[context, continuation], …], "batch_size": n}`; a line out:
`{"seconds": s, "answers": [log-likelihood, …]}`. The time is that of the backend's
`loglikelihood`, which is what scoring costs its user.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

Score = Callable[[list[Any], int], list[tuple[float, bool]]]
STARTS_WITHIN_S = 60


def main() -> None:
    """Answer lines until there are no more."""
    kind, path, threads = sys.argv[1:]
    # stdout is for answers alone; lm-eval and the server print there.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    score, stop = {"hf": hf, "gguf": gguf}[kind](path, int(threads))
    try:
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            instances = _instances(asked["requests"])
            started = time.perf_counter()
            found = score(instances, asked["batch_size"])
            seconds = time.perf_counter() - started
            reply = {"seconds": seconds, "answers": [float(nats) for nats, _ in found]}
            print(json.dumps(reply), file=answers, flush=True)
    finally:
        stop()


def hf(path: str, threads: int) -> tuple[Score, Callable[[], None]]:
    """lm-eval's `hf` in bfloat16."""
    import torch
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(threads)
    model = HFLM(pretrained=path, dtype="bfloat16", device="cpu", batch_size=1)

    def score(instances: list[Any], batch_size: int) -> list[tuple[float, bool]]:
        model.batch_size_per_gpu = batch_size
        return model.loglikelihood(instances, disable_tqdm=True)

    return score, lambda: None


def gguf(path: str, threads: int) -> tuple[Score, Callable[[], None]]:
    """lm-eval's `gguf` over the server of llama-cpp-python, as its documentation starts it."""
    from lm_eval.models.gguf import GGUFLM

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ["NO_PROXY"] = "127.0.0.1"
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [
            sys.executable, "-m", "llama_cpp.server", "--model", path, "--host", "127.0.0.1",
            "--port", str(port), "--n_threads", str(threads), "--n_threads_batch", str(threads),
            "--logits_all", "true", "--verbose", "false",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _wait_for(server, f"{url}/v1/models")
    model = GGUFLM(base_url=url)

    def stop() -> None:
        server.terminate()
        server.wait()

    return lambda instances, _: model.loglikelihood(instances, disable_tqdm=True), stop


def _wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    server.kill()
    raise SystemExit(
        "llama_cpp.server did not start: pip install 'llama-cpp-python[server]==0.3.36'"
    )


def _instances(requests: list[list[str]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [
        Instance(request_type="loglikelihood", doc={}, arguments=tuple(pair), idx=0)
        for pair in requests
    ]


if __name__ == "__main__":
    main()
