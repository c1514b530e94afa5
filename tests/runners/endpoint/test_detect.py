"""What answers at an address."""

from collections.abc import Callable

import pytest

from runners.endpoint.address import read_address
from runners.endpoint.client import Client
from runners.endpoint.detect import find_served, root_of
from runners.endpoint.faults import EndpointError
from tests.runners.endpoint.conftest import Mocked
from tests.support.raw_server import raw_server, whole


@pytest.mark.parametrize(
    ("url", "root", "prefix"),
    [
        ("http://host:1", "http://host:1", "/v1"),
        ("http://host:1/v1/", "http://host:1", "/v1"),
        ("https://host/llm/v1", "https://host/llm", "/v1"),
        ("https://host/api/openai", "https://host/api/openai", ""),
    ],
)
def test_the_root_of_a_server(url: str, root: str, prefix: str) -> None:
    address, found = root_of(read_address(url))
    assert (address.text, found) == (root, prefix)


def test_each_kind_is_found_with_what_it_says_of_itself(mocked: Mocked) -> None:
    llama = mocked("llama-server")
    assert (llama.kind, llama.model, llama.version, llama.context) == (
        "llama-server", "mock", "b0-mock", 4096,
    )  # fmt: skip
    assert llama.about == {"file": "mock"}
    vllm = mocked("vllm")
    assert (vllm.kind, vllm.version, vllm.models) == ("vllm", "mock", ("mock",))
    ollama = mocked("ollama", model="mock")
    assert (ollama.kind, ollama.version, ollama.context) == ("ollama", "0.12.11", 4096)
    assert ollama.about == {
        "digest": "0" * 64, "bytes": 1000, "architecture": "mock", "quantisation": "F32",
    }  # fmt: skip
    other = mocked("openai")
    assert (other.kind, other.version, other.context) == ("openai", "", None)


@pytest.mark.parametrize("speaks", ["llama-server", "vllm", "ollama", "openai"])
def test_another_model_than_the_one_named_is_noticed(mocked: Mocked, speaks: str) -> None:
    with pytest.raises(EndpointError, match="served: mock") as wrong:
        mocked(speaks, model="other")
    assert wrong.value.outcome == "wrong model"


def test_a_server_with_several_models_wants_one_named(client_of: Callable[..., Client]) -> None:
    both = b'{"data": [{"id": "a"}, {"id": "b"}]}'
    absent = whole(b"{}", status="404 Not Found")
    for model, found in (("b", "b"), ("", None)):
        with raw_server(whole(both), absent, absent, keeps_open=False) as server:
            client = Client(server.address, wait=lambda _: None)
            if found:
                assert find_served(client, "/v1", model).model == found
            else:
                with pytest.raises(EndpointError, match=r"name one as model \(served: a, b\)"):
                    find_served(client, "/v1", model)
            client.close()


def test_a_server_without_a_list_takes_the_name_that_it_is_given() -> None:
    absent = whole(b"{}", status="404 Not Found")
    with raw_server(*[absent] * 6, keeps_open=False) as server:
        client = Client(server.address, wait=lambda _: None)
        found = find_served(client, "/v1", "mine")
        assert (found.kind, found.model, found.models) == ("openai", "mine", ())
        with pytest.raises(EndpointError, match="base_url"):
            find_served(client, "/v1")
        client.close()


def test_a_wrong_key_is_no_missing_path(client_of: Callable[..., Client]) -> None:
    with pytest.raises(EndpointError) as refused:
        find_served(client_of(key="right", secret="wrong"), "/v1")
    assert refused.value.outcome == "not authorised"


def test_a_path_on_the_servers_machine_is_kept_to_its_last_part() -> None:
    path = "/home/me/models/Tiny.Q4.gguf"
    listed = f'{{"data": [{{"id": "{path}"}}]}}'.encode()
    props = f'{{"model_path": "{path}", "default_generation_settings": {{"n_ctx": 512}}}}'.encode()
    for model in ("", "Tiny.Q4.gguf", path):
        with raw_server(whole(listed), whole(props)) as server:
            client = Client(server.address, wait=lambda _: None)
            found = find_served(client, "/v1", model)
            client.close()
        assert found.models == ("Tiny.Q4.gguf",)
        assert found.model == (model or "Tiny.Q4.gguf")
        assert found.about == {"file": "Tiny.Q4.gguf"}
