"""`hf:` addresses of single files, against a small hub."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import fake_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

BODY = bytes(range(256)) * 64
REPOS = {
    "org/one": {"README.md": BODY, "one.Q4_0.gguf": BODY},
    "org/two": {"a.gguf": BODY, "sub/b.gguf": BODY},
}
ASK = """
import json, sys
from evals.fetch.artifact import fetch
from evals.errors import ArtifactError
def only_models(path):
    if path.read_bytes().startswith(b"<html>"):
        raise ArtifactError(f"{path}: not a model")
answers = []
for uri, options in json.loads(sys.argv[1]):
    told = []
    try:
        if options.pop("model", False):
            options["check"] = only_models
        got = fetch(uri, progress=lambda *t: told.append(t), **options)
        answers.append([got.path.name, got.sha256, told[-1:]])
    except ArtifactError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with fake_hub.serving(REPOS, tmp_path, monkeypatch) as asked:
        yield asked


def ask(*requests: tuple[str, dict[str, Any]]) -> list[Any]:
    return fake_hub.ask(ASK, requests)


def test_the_only_gguf_is_found_once_and_then_nobody_is_asked(
    hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")  # as the command line sets it
    first = ask(("hf:org/one", {}))
    digest = hashlib.sha256(BODY).hexdigest()
    assert first == [["one.Q4_0.gguf", digest, [["one.Q4_0.gguf", len(BODY), len(BODY)]]]]
    so_far = len(hub)
    warm = ask(
        ("hf:org/one", {}),
        ("hf:org/one", {"offline": True}),
        ("hf:org/one#one.Q4_0.gguf", {}),  # another address, whose file the hub's cache has
        ("hf:org/one@main#one.Q4_0.gguf", {"offline": True, "sha256": digest}),
    )
    assert [answer[:2] for answer in warm] == [["one.Q4_0.gguf", digest]] * 4
    assert len(hub) == so_far


def test_each_way_not_to_get_a_file_is_one_line(hub: list[str]) -> None:
    several, missing, gated, file, wrong, offline, unnamed = ask(
        ("hf:org/two", {}),
        ("hf:org/none#x.gguf", {}),
        ("hf:org/gated#x.gguf", {}),
        ("hf:org/two#c.gguf", {}),
        ("hf:org/two#a.gguf", {"sha256": "0" * 64}),
        ("hf:org/two#sub/b.gguf", {"offline": True}),
        ("hf:org/two", {"offline": True}),
    )
    assert several == (
        "hf:org/two: has 2 .gguf models; name one, e.g. hf:org/two#a.gguf: a.gguf, sub/b.gguf"
    )
    assert "no such repository as org/none, or it is private" in missing
    assert "is gated: accept its terms on huggingface.co/org/gated" in gated
    assert file == (
        "hf:org/two#c.gguf: the repository has no file c.gguf "
        '(did you mean "a.gguf" or "sub/b.gguf"?)'
    )
    assert f"expected {'0' * 64}; it is not used" in wrong
    assert "not in the hub's cache, and offline" in offline
    assert "offline; name the file: hf:org/two#FILE.gguf" in unnamed


def test_no_hub_at_all(hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert ask(("hf:org/one#one.Q4_0.gguf", {}), ("hf:org/one", {})) == [
        "hf:org/one#one.Q4_0.gguf: the hub cannot be reached; "
        "check the network, HF_ENDPOINT and HF_HUB_OFFLINE",
        "hf:org/one: the hub cannot be reached; check the network, HF_ENDPOINT and HF_HUB_OFFLINE",
    ]
    assert hub == []


def test_what_is_no_model_leaves_the_hubs_cache_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, page = "hf:org/one#a.gguf", b"<html>log in</html>"
    repos = {"org/one": {"a.gguf": page}}
    etags = dict.fromkeys((page, BODY), "the-same")  # a commit's file has one ETag
    with fake_hub.serving(repos, tmp_path, monkeypatch, etags=etags):
        (refused,) = ask((uri, {"model": True}))
        assert refused == f"{uri}: what was sent is not a model; it was not kept"
        repos["org/one"]["a.gguf"] = BODY
        (offline, right) = ask((uri, {"model": True, "offline": True}), (uri, {"model": True}))
    assert "not a model" in offline
    assert right[1] == hashlib.sha256(BODY).hexdigest()


def test_a_file_that_changed_in_the_hubs_cache_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, digest = "hf:org/one#a.gguf", hashlib.sha256(BODY).hexdigest()
    etag = {BODY: digest}  # large files are named by their sha256
    with fake_hub.serving({"org/one": {"a.gguf": BODY}}, tmp_path, monkeypatch, etags=etag):
        ask((uri, {}))
        (blob,) = (tmp_path / "hf").rglob(f"blobs/{digest}")
        blob.write_bytes(BODY[::-1])
        (again,) = ask((uri, {}))
    assert again[1] == digest


def test_a_file_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHIN_MAX_DOWNLOAD", "1KiB")
    with fake_hub.serving(REPOS, tmp_path, monkeypatch):
        (refused,) = ask(("hf:org/one", {}))
    assert refused.startswith("hf:org/one: is larger than 1KiB (16,384 bytes)")


QUANTS = {
    "org/Tiny-GGUF": {
        "README.md": BODY,
        "Tiny-Q4_K_M.gguf": BODY,
        "Tiny-Q8_0.gguf": BODY[:-1],
        "mmproj-Tiny-F16.gguf": BODY,
        "BF16/Tiny-BF16-00001-of-00002.gguf": BODY[:9],
        "BF16/Tiny-BF16-00002-of-00002.gguf": BODY[:8],
    }
}


def test_a_quantisation_is_short_for_a_file_and_brings_its_other_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_hub.serving(QUANTS, tmp_path, monkeypatch):
        short, lower, parts, offline, several, wrong = ask(
            ("hf:org/Tiny-GGUF#Q4_K_M", {}),
            ("hf:org/Tiny-GGUF#q8_0", {}),
            ("hf:org/Tiny-GGUF#BF16", {}),
            ("hf:org/Tiny-GGUF@main#BF16", {"offline": True}),
            ("hf:org/Tiny-GGUF", {}),
            ("hf:org/Tiny-GGUF#Q4_K_S", {}),
        )
    assert (short[0], lower[0]) == ("Tiny-Q4_K_M.gguf", "Tiny-Q8_0.gguf")
    assert parts[0] == offline[0] == "Tiny-BF16-00001-of-00002.gguf"
    (second,) = tmp_path.rglob("Tiny-BF16-00002-of-00002.gguf")
    assert second.read_bytes() == BODY[:8]
    assert several == (
        "hf:org/Tiny-GGUF: has 3 .gguf models; name one, e.g. hf:org/Tiny-GGUF#BF16: "
        "BF16, Q4_K_M, Q8_0"
    )
    assert wrong == (
        'hf:org/Tiny-GGUF#Q4_K_S: the repository has no file Q4_K_S (did you mean "Q4_K_M"?)'
    )


LEVELS = """
import json, logging, sys
from evals.fetch.artifact import fetch
levels = []
logger = logging.getLogger("huggingface_hub.utils._http")
for uri in json.loads(sys.argv[1]):
    fetch(uri, progress=lambda *_: levels.append(logger.getEffectiveLevel()))
print(json.dumps(levels))
"""


def test_the_hubs_client_says_nothing_of_its_retries(hub: list[str]) -> None:
    levels = fake_hub.ask(LEVELS, ["hf:org/one#one.Q4_0.gguf"])
    assert levels
    assert min(levels) >= 40  # errors; each retry is a warning
