"""Texts of servers, fit for a record and for one line."""

import pytest

from runners.endpoint.words import plain, said_by, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("org/model", "org/model"),
        ("qwen2.5:0.5b", "qwen2.5:0.5b"),
        ("/home/me/models/tiny.gguf", "tiny.gguf"),
        ("/data/tiny/", "tiny"),
        ("~/tiny.gguf", "tiny.gguf"),
        (r"C:\models\tiny.gguf", "tiny.gguf"),
        ("", ""),
    ],
)
def test_a_path_on_the_servers_machine_is_shown_by_its_last_part(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "a", "code": 1}}', "a"),
        (b'{"error": "b"}', "b"),
        (b'{"detail": [{"msg": "c", "loc": []}]}', "c"),
        (b'{"message": "d"}', "d"),
        (b'{"code": 5}', '{"code": 5}'),
        (b"plain \xff", "plain \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_message_is_found_where_servers_put_it(body: bytes, said: str) -> None:
    assert said_by(body) == said


def test_a_line_is_plain_short_and_without_the_key() -> None:
    assert plain("a\x1b[31m\n  b KEY", secret="KEY") == "a [31m b ***"
    assert len(plain("x" * 1000)) == 400
