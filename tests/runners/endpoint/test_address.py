"""Addresses of servers."""

import pytest

from runners.endpoint.address import Address, read_address


@pytest.mark.parametrize(
    ("text", "found", "again"),
    [
        (
            "http://127.0.0.1:8000/v1/",
            Address(scheme="http", host="127.0.0.1", port=8000, path="/v1"),
            "http://127.0.0.1:8000/v1",
        ),
        (
            "https://API.example.org/v1",
            Address(scheme="https", host="api.example.org", port=443, path="/v1"),
            "https://api.example.org/v1",
        ),
        (
            "http://[::1]:80",
            Address(scheme="http", host="::1", port=80),
            "http://[::1]",
        ),
    ],
)
def test_an_address_is_read_and_written(text: str, found: Address, again: str) -> None:
    assert read_address(text) == found
    assert found.text == again
    assert read_address(again) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("localhost:8000", "write it like"),
        ("ftp://host/v1", "write it like"),
        ("http://", "write it like"),
        ("http://host:port/", "no address"),
        ("http://host:99999/", "no address"),
        ("http://me:secret@host/v1", "api_key_env"),
        ("http://host/v1?key=secret", "query"),
        ("http://host/v1#key", "fragment"),
        ("http://host/v 1", "control character"),
    ],
)
def test_what_is_no_address_or_carries_a_secret_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        read_address(text)
    assert "secret" not in str(refused.value)
