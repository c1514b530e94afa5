"""`weighin mock-server`: a server without a model, to test clients, and Weighin itself, against."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from evals.errors import SpecError
from evals.questions.rows import NEEDED, read_text, rows
from runners.cli import say
from runners.endpoint.mock.options import FAULTS, SPOKEN


@click.command("mock-server")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Default: a free one, printed when the server listens.")  # fmt: skip
@click.option("--host", default="127.0.0.1", metavar="HOST", help="Default: 127.0.0.1.")
@click.option("--speaks", type=click.Choice(SPOKEN), multiple=True,
              help="An API whose paths are there; may be given several times. Default: "
              "all.")  # fmt: skip
@click.option("--model", default="mock", metavar="NAME", help="Its model's name; default mock.")
@click.option("--text", default="The answer is 42.", metavar="TEXT",
              help="What it answers; empty: letters drawn by a toy model.")  # fmt: skip
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE",
              help="A .csv or .jsonl file with the columns question and answer: a prompt with a "
              "question in it gets its answer, however long; any other gets --text.")  # fmt: skip
@click.option("--reasoning", default="", metavar="TEXT", help="Thought before each answer.")
@click.option("--wrong-rate", type=click.FloatRange(0, 1), default=0.0, metavar="P",
              help="Share of answers that are reversed.")  # fmt: skip
@click.option("--first-token", "first_token_s", type=click.FloatRange(0), default=0.0, metavar="S",
              help="Seconds to the first token.")  # fmt: skip
@click.option("--per-token", "per_token_s", type=click.FloatRange(0), default=0.0, metavar="S",
              help="Seconds between tokens.")  # fmt: skip
@click.option("--slots", type=click.IntRange(0), default=0, metavar="N",
              help="Completions that it works on at once, the others wait in line; default: all of "
              "them.")  # fmt: skip
@click.option("--queue", "queue_s", type=click.FloatRange(0), default=0.0, metavar="S",
              help="Seconds that a question to a Gradio app waits behind another's.")  # fmt: skip
@click.option("--coalesce", type=click.IntRange(1), default=1, metavar="N",
              help="Tokens of one event.")  # fmt: skip
@click.option("--buffered", is_flag=True, help="Send each stream in one piece, at its end.")
@click.option("--no-usage", is_flag=True, help="Count no tokens.")
@click.option("--cache", is_flag=True,
              help="What a prompt shares with the one before takes no time.")  # fmt: skip
@click.option("--echo", type=click.Choice(["right", "shifted", "ignored"]), default="right",
              help="Log-probabilities of an echoed prompt: right, off by one position, or "
              "none.")  # fmt: skip
@click.option("--faults", default="", metavar="A,B,…",
              help=f"What befalls requests for a completion, in turn: {', '.join(FAULTS)}, or a "
              "status (429; 429/7 with a Retry-After of 7 s).")  # fmt: skip
@click.option("--key-env", default="", metavar="NAME",
              help="Variable with the key that each request must carry.")  # fmt: skip
def command(
    *, host: str, port: int, faults: str, key_env: str, answers: Path | None, **told: Any
) -> int:
    """Serve a model that is none, as slow, wrong, flaky and buffered as it is told to be.

    It speaks OpenAI's completions and chat, llama-server's, vLLM's, Ollama's and Gradio's paths.
    Its toy model is deterministic, and its log-probabilities agree with each other. Ends with
    Ctrl-C. `weighin run http://127.0.0.1:PORT/v1 --model mock` measures it.
    """
    from runners.endpoint.mock.options import MockOptions
    from runners.endpoint.mock.server import MockServer

    if key_env and not os.environ.get(key_env):
        raise SpecError(f"--key-env {key_env}: there is no such variable, or it is empty")
    try:
        options = MockOptions(
            speaks=tuple(told.pop("speaks")) or SPOKEN,
            usage=not told.pop("no_usage"),
            answers=read_answers(answers) if answers else {},
            faults=tuple(part.strip() for part in faults.split(",") if part.strip()),
            key=os.environ.get(key_env, "") if key_env else "",
            **told,
        )
    except ValueError as error:
        raise SpecError(f"mock-server: {error}") from error
    try:
        server = MockServer(options, host=host, port=port)
    except OSError as error:
        raise SpecError(f"mock-server: cannot listen on {host}:{port}: {error.strerror}") from error
    print(server.url, flush=True)
    say(f"speaks {', '.join(options.speaks)}; Ctrl-C ends it")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("ended")
    finally:
        server.mock.stopping.set()
        server.server_close()
    return 0


def read_answers(path: Path) -> dict[str, str]:
    """Question -> answer of each row.

    Raises:
        SpecError: it cannot be read, or a row has not both.
    """
    found = {}
    for line, row in rows(path, read_text(path)):
        told = [row.get(name) for name in NEEDED] if isinstance(row, dict) else []
        texts = [text for text in told if isinstance(text, str)]
        if len(texts) < len(NEEDED) or not texts[0].strip():
            raise SpecError(f"{path}: line {line} has no question, or its answer is no text")
        found[texts[0].strip()] = texts[1]
    return found
