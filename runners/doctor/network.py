"""Checks that use the network, made only when asked for; no host is ever named in them."""

from __future__ import annotations

import subprocess
import sys

from runners.doctor.check import Check

INDEX_TIMEOUT_S = 60.0
HUB_TIMEOUT_S = 10.0
KNOWN_PACKAGE = "llama-cpp-python"
SMALL_MODEL = "openai-community/gpt2"


def index_check() -> Check:
    """Check that pip, as it is set up here, reaches a package index."""
    command = [sys.executable, "-P", "-m", "pip", "index", "versions", KNOWN_PACKAGE]
    try:
        done = subprocess.run(
            [*command, "--disable-pip-version-check", "--retries", "0"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INDEX_TIMEOUT_S,
            check=False,
        )
        answered = done.returncode == 0
    except subprocess.TimeoutExpired:
        answered = False
    if answered:
        return Check(name="package index", status="ok", found="answers")
    # What pip says is not shown: it names the index, which may be a private one.
    return Check(
        name="package index",
        status="limited",
        found="no answer",
        advice="what is in the cache can be used (--offline); to see what pip says: python -m pip "
        f"index versions {KNOWN_PACKAGE}; or copy the cache of a machine that has a network",
    )


def hub_check() -> Check:
    """Check that the Hugging Face hub, or its mirror in HF_ENDPOINT, answers."""
    from huggingface_hub import HfApi, errors

    # The hub's error derives from its HTTP library's, whichever that is in this release.
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    try:
        HfApi().model_info(SMALL_MODEL, timeout=HUB_TIMEOUT_S)
    except (OSError, http_error) as error:
        return Check(
            name="hub",
            status="limited",
            found=f"no answer ({type(error).__name__})",
            advice="the shipped candidates and suites do not need it; for others check the "
            "network, HF_ENDPOINT and HF_HUB_OFFLINE",
        )
    return Check(name="hub", status="ok", found="answers")
