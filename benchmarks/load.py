"""Ask one server by several users at once, with Weighin and with GuideLLM, and hold them together.

Both clients take turns at each number of users on the same server, which stays up: Weighin's mock
server, whose answer can be worked out (four slots, 50 ms to the first token, 2 ms a token), or a
llama-server of as many slots as users. One workload of a fixed length, closed loop, windows of the
same length; the unit is the round. What other processes used meanwhile stands beside the figures.
GuideLLM is installed in an environment of its own, and is given a tokenizer's folder, since it cuts
its prompts itself:

    python benchmarks/load.py --guidellm ENV/bin/guidellm --tokenizer FOLDER [--server llama-server]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from runners.candidates.catalogue import find_candidate
from runners.candidates.weights import resolve
from runners.endpoint.address import Address
from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import EndpointError
from runners.endpoint.listening import free_port
from runners.measure.noise import cpu_seconds, noise_between, read_noise
from runners.runtimes.llama_server.program import find_program

FIRST_S, TOKEN_S, SLOTS = 0.05, 0.002, 4
FIGURES = ("requests/s", "output tokens/s", "TTFT ms", "TPOT ms", "E2EL ms")
SIDES = ("Weighin", "GuideLLM")
OTHERS = "others' cores"
Level = dict[str, float]


def main() -> int:
    """Run the rounds, print a table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guidellm", type=Path, required=True, help="its program")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    parser.add_argument("--server", choices=("mock", "llama-server"), default="mock")
    parser.add_argument("--candidate", default="smollm2-135m-instruct-q4_1")
    parser.add_argument("--users", default="1,2,4,8")
    parser.add_argument("--workload", default="512+64", help="PROMPT+NEW tokens")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each window")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="1 round of 5 s")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds = 1, 5.0
    levels = list(map(int, asked.users.split(",")))
    rounds: dict[str, list[dict[int, Level]]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder, _server(asked) as (url, pid):
        for number in range(asked.rounds):
            for name in SIDES:
                rounds[name].append({})
            for place, users in enumerate(levels):
                for name in SIDES if (number + place) % 2 else SIDES[::-1]:
                    side = _weighin if name == "Weighin" else _guidellm
                    found, others = _watched(pid, side, url, users, asked, Path(folder))
                    rounds[name][-1][users] = {**found, OTHERS: others}
                    print(f"round {number + 1}, {users} users: {name}, others {others:.2f} cores",
                          file=sys.stderr)  # fmt: skip
    if asked.json:
        json.dump(rounds, sys.stdout)
    else:
        _show(rounds, asked)
    return 0


@contextmanager
def _server(asked: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """A server that both clients ask; its address and its process."""
    port, most = free_port(), max(map(int, asked.users.split(",")))
    if asked.server == "mock":
        command = [
            sys.executable, "-m", "weighin", "mock-server", "--speaks", "llama-server", "--slots",
            str(SLOTS), "--first-token", str(FIRST_S), "--per-token", str(TOKEN_S),
        ]  # fmt: skip
    else:
        weights = resolve(find_candidate(asked.candidate)).path
        command = [
            *find_program().command, "-m", str(weights), "-np", str(most), "-c", str(1024 * most),
            "-t", str(os.cpu_count() or 1), "--no-cache-prompt", "-cram", "0", "-ngl", "0",
        ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, "--port", str(port)], **quiet) as process:  # type: ignore[call-overload]
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def _wait(port: int) -> None:
    client = Client(Address(scheme="http", host="127.0.0.1", port=port), retries=Retries(times=0))
    for _ in range(600):
        try:
            client.get("/health")
        except EndpointError:
            time.sleep(0.1)
        else:
            client.close()
            return
    sys.exit("the server was not ready after a minute")


def _watched(pid: int, side: Callable[..., Level], *given: Any) -> tuple[Level, float]:
    """A side's figures, and the cores that processes other than both used meanwhile."""
    own = [os.getpid(), pid]
    before, own_s, started = read_noise(), cpu_seconds(own), time.perf_counter()
    found = side(*given)
    elapsed_s = time.perf_counter() - started
    used_s = cpu_seconds(own) - own_s
    noise = noise_between(before, read_noise(), own_cpu_s=used_s, elapsed_s=elapsed_s)
    return found, noise.others_cpus or 0.0


def _weighin(url: str, users: int, asked: argparse.Namespace, folder: Path) -> Level:
    """`weighin run URL --users N`."""
    prompt, new = map(int, asked.workload.split("+"))
    suite = folder / "load.yaml"
    content = {
        "name": "load", "tasks": [{"task": "arc_easy", "limit": 1}], "latency_repeats": 1,
        "workloads": [{"prompt_tokens": prompt, "new_tokens": new}], "probe_items": 0,
    }  # fmt: skip
    suite.write_text(yaml.safe_dump(content), encoding="utf-8")
    told = ["--suite", str(suite), "--users", str(users), "--users-time", f"{asked.seconds:g}s"]
    command = [sys.executable, "-m", "weighin", "run", url, *told, "--store", str(folder / "runs"),
               "--fresh", "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (record,) = json.loads(done.stdout)
    (level,) = record["users"]["levels"]
    return {
        "requests/s": level["request_throughput"],
        "output tokens/s": level["output_throughput"],
        "TTFT ms": level["ttft_s"]["p50"] * 1e3,
        "TPOT ms": level["tpot_s"]["p50"] * 1e3,
        "E2EL ms": level["e2el_s"]["p50"] * 1e3,
        "n": level["ttft_s"]["n"],
    }


def _guidellm(url: str, users: int, asked: argparse.Namespace, folder: Path) -> Level:
    """`guidellm run` with the profile `concurrent`; its ITL is our TPOT."""
    prompt, new = map(int, asked.workload.split("+"))
    found, config = folder / "guidellm.json", folder / "guidellm.yaml"
    spec = {
        "backend": {"kind": "openai_http", "target": url, "model": "any",
                    "request_format": "/v1/completions"},
        "profile": {"kind": "concurrent", "streams": [users]},
        "constraints": [{"kind": "max_duration", "seconds": asked.seconds}],
        "data": [{"kind": "synthetic_text", "prompt_tokens": prompt, "output_tokens": new}],
        "tokenizer": {"kind": "hf_auto", "model": str(asked.tokenizer)},
        "outputs": [{"kind": "json", "path": str(found)}],
    }  # fmt: skip
    config.write_text(yaml.safe_dump({"spec": spec}), encoding="utf-8")
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    command = [str(asked.guidellm), "run", "-c", str(config), "--disable-console"]
    subprocess.run(command, capture_output=True, check=True, env=offline, cwd=folder)
    (benchmark,) = json.loads(found.read_text(encoding="utf-8"))["benchmarks"]
    metrics = benchmark["metrics"]
    counted = metrics["prompt_token_count"]["successful"]["median"]
    if asked.server == "llama-server" and abs(counted - prompt) > prompt / 10:
        raise SystemExit(
            f"--tokenizer {asked.tokenizer}: not the model's: prompts of {prompt} tokens by it are "
            f"of {counted:.0f} by the server's"
        )
    return {
        "requests/s": metrics["requests_per_second"]["successful"]["mean"],
        "output tokens/s": metrics["output_tokens_per_second"]["successful"]["mean"],
        "TTFT ms": metrics["time_to_first_token_ms"]["successful"]["median"],
        "TPOT ms": metrics["inter_token_latency_ms"]["successful"]["median"],
        "E2EL ms": metrics["request_latency"]["successful"]["median"] * 1e3,
        "n": metrics["request_latency"]["successful"]["count"],
    }


def worked_out(users: int, new_tokens: int) -> Level:
    """What the mock server answers to so many users, by its delays and its slots.

    A slot serves a request in s = first + (new - 1) · token seconds. N users of S slots get
    min(N, S) / s answers a second; one that finds no slot waits until those before it have ended,
    so that each of N users, who come back at once, waits N / s less its own service.
    """
    service_s = FIRST_S + (new_tokens - 1) * TOKEN_S
    rate = min(users, SLOTS) / service_s
    wait_s = max(0.0, users / rate - service_s)
    return {
        "requests/s": rate,
        "output tokens/s": rate * new_tokens,
        "TTFT ms": (wait_s + FIRST_S) * 1e3,
        "TPOT ms": TOKEN_S * 1e3,
        "E2EL ms": (wait_s + service_s) * 1e3,
    }


def _show(rounds: dict[str, list[dict[int, Level]]], asked: argparse.Namespace) -> None:
    """A Markdown table: medians of the rounds of each side, and their ratio."""
    new = int(asked.workload.split("+")[1])
    known = asked.server == "mock"
    heads = ["users", "figure", *(["worked out"] if known else []), *SIDES, "GuideLLM / Weighin"]
    print(f"| {' | '.join(heads)} |\n|{'--:|' * len(heads)}")
    for users in map(int, asked.users.split(",")):
        for figure in (*FIGURES, "n", OTHERS):
            ours, theirs = (_median(rounds[name], users, figure) for name in SIDES)
            worth = worked_out(users, new).get(figure) if known else None
            expected = ["" if worth is None else f"{worth:.4g}"] if known else []
            cells = [str(users), figure, *expected, f"{ours:.4g}", f"{theirs:.4g}"]
            ratio = f"{theirs / ours:.3f}" if figure in FIGURES else ""
            print(f"| {' | '.join(cells)} | {ratio} |")


def _median(rounds: Sequence[dict[int, Level]], users: int, figure: str) -> float:
    return statistics.median(one[users][figure] for one in rounds)


if __name__ == "__main__":
    sys.exit(main())
