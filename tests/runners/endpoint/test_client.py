"""The client against servers that send what a test wrote: each fault has its name."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from runners.endpoint.address import read_address
from runners.endpoint.client import Client, Retries, Streamed
from runners.endpoint.events import Event
from runners.endpoint.faults import EndpointError
from runners.endpoint.transport import Patience
from tests.support.certificates import server_context
from tests.support.raw_server import RawServer, chunked, raw_server, whole

KEY = "sk-very-secret"
SHORT = Patience(connect_s=5, silence_s=0.05, whole_s=5, most_bytes=4096, after_last_s=0.05)


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Makes clients, which are closed in the end."""
    made: list[Client] = []

    def make(
        server: RawServer,
        *,
        times: int = 0,
        patience: Patience | None = None,
        wait: Callable[[float], None] = lambda _: None,
    ) -> Client:
        made.append(
            Client(
                server.address,
                key=KEY,
                retries=Retries(times=times),
                patience=patience or Patience(connect_s=5, silence_s=5),
                wait=wait,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


Make = Callable[..., Client]


def as_it_came(streamed: Streamed) -> Streamed:
    return streamed


def test_requests_share_one_connection_and_carry_the_key(client: Make) -> None:
    with raw_server(whole(b'{"a": 1}'), whole(b'{"b": 2}')) as server:
        one = client(server)
        assert one.get("/v1/models") == {"a": 1}
        assert one.post("/completion", {"prompt": "é"}) == {"b": 2}
        one.close()
    assert server.connections == 1
    first, second = server.asked
    assert first.startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"Authorization: Bearer sk-very-secret\r\n" in first
    assert json.loads(second.partition(b"\r\n\r\n")[2]) == {"prompt": "é"}
    assert one.tally.requests == 2
    assert one.tally.retries == 0


def test_a_request_on_a_connection_that_is_just_closed_is_no_failed_try(client: Make) -> None:
    # llama-server promises to keep a connection and closes it after a stream, a moment too late.
    with raw_server(whole(b'{"a": 1}'), [b""], whole(b'{"b": 2}'), [b""]) as server:
        one = client(server, times=0)
        one.get("/first")
        assert one.get("/second") == {"b": 2}
        assert (one.tally.retries, one.tally.outcomes) == (0, {})
        with pytest.raises(EndpointError, match=r"connection (lost|refused)"):
            one.get("/third")
        one.close()
    assert [asked.split()[1] for asked in server.asked[:3]] == [b"/first", b"/second", b"/second"]


def test_a_connection_that_the_server_closed_is_opened_again_before_the_clock(client: Make) -> None:
    with raw_server(whole(b"{}"), whole(b"{}"), keeps_open=False) as server:
        one = client(server)
        one.get("/a")
        kept = one._connection  # wait for its end to arrive
        assert kept is not None
        assert kept.sock.recv(1, socket.MSG_PEEK) == b""
        one.get("/b")
    assert server.connections == 2
    assert one.tally.outcomes == {}


def test_a_stream_keeps_its_connection_and_stamps_events_by_network_read(client: Make) -> None:
    answer = chunked(
        b": hello\n\n", b'data: {"n": 1}\n\ndata: {"n"', b": 2}\n\n", b"data: [DONE]\n\n"
    )
    with raw_server(answer, whole(b"{}")) as server:
        one = client(server)
        streamed = one.stream("/s", {"stream": True}, as_it_came)
        one.get("/after")
    assert [event.data for _, event in streamed.arrived] == ['{"n": 1}', '{"n": 2}']
    assert streamed.done
    moments = [at_s for at_s, _ in streamed.arrived]
    assert 0 < moments[0] <= moments[1]
    assert server.connections == 1


def test_a_stream_that_stays_open_after_its_last_event_is_cut(client: Make) -> None:
    with raw_server(chunked(b"data: [DONE]\n\n", ends=False), hangs=True) as server:
        streamed = client(server, patience=SHORT).stream("/s", {}, as_it_came)
    assert streamed.done
    assert streamed.arrived == []


def test_a_stream_can_be_stopped_and_be_a_get_with_named_events(client: Make) -> None:
    events = b"event: generating\ndata: 1\n\nevent: complete\ndata: 2\n\n"
    with raw_server(chunked(events, ends=False), hangs=True) as server:
        streamed = client(server).stream(
            "/call/1", None, as_it_came, stop=lambda event: event.name == "complete"
        )
    assert [event for _, event in streamed.arrived] == [
        Event("1", "generating"),
        Event("2", "complete"),
    ]
    assert server.asked[0].startswith(b"GET /call/1 ")


def test_json_lines_are_read_to_the_end_of_the_body(client: Make) -> None:
    with raw_server(chunked(b'{"response":"a"}\n{"resp', b'onse":"b"}\n')) as server:
        streamed = client(server).stream("/api/generate", {}, as_it_came, json_lines=True)
    assert [event.data for _, event in streamed.arrived] == ['{"response":"a"}', '{"response":"b"}']


ERROR = b'{"error": {"message": "no such model\\nas sk-very-secret"}}'


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        (whole(ERROR, status="404 Not Found"), "not found", "no such model as ***"),
        (whole(ERROR, status="401 Unauthorized"), "not authorised", "status 401"),
        (whole(ERROR, status="403 Forbidden"), "not authorised", "status 403"),
        (whole(ERROR, status="400 Bad Request"), "request refused", "no such model"),
        (whole(b"slow down", status="429 Too Many Requests"), "rate limited", "slow down"),
        (whole(b"<html>", status="502 Bad Gateway"), "server error", "<html>"),
        (
            whole(b"", status="307 Temporary Redirect", headers="Location: http://evil/\r\n"),
            "redirect refused",
            "redirected to http://evil/, which is not followed",
        ),
        (whole(ERROR), "error in the answer", "no such model"),
        (whole(b"[1, 2]"), "invalid JSON", "no JSON object"),
        (whole(b"<html>"), "invalid JSON", "<html>"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"],
            "body cut short",
            "7 bytes of its body missing",
        ),
        (chunked(b"{", ends=False), "body cut short", "within its body"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"], "body cut short", "2 bytes"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "connection lost", "does not speak HTTP"),
        ([b""], "connection lost", "connection lost"),
    ],
)
def test_each_broken_answer_has_its_name(
    client: Make, answer: Sequence[bytes], outcome: str, says: str
) -> None:
    with raw_server(answer, keeps_open=False) as server:
        with pytest.raises(EndpointError, match=r"GET http://127\.0\.0\.1") as broken:
            client(server).get("/v1/models")
        assert len(server.asked) == 1
    assert (broken.value.outcome, says in str(broken.value)) == (outcome, True), broken.value
    assert KEY not in str(broken.value)


def test_silence_and_answers_without_an_end_have_names(client: Make) -> None:
    def met(answer: Sequence[bytes], patience: Patience) -> str:
        with raw_server(answer, hangs=True) as server:
            with pytest.raises(EndpointError) as broken:
                client(server, patience=patience).stream("/s", {}, as_it_came)
            return broken.value.outcome

    assert met([b""], SHORT) == "no answer in time"
    assert met(chunked(b"data: 1\n\n", ends=False), SHORT) == "stopped in mid-answer"
    late = replace(SHORT, silence_s=5, whole_s=0.05)
    assert met(chunked(b"data: 1\n\n", ends=False), late) == "answer without an end"
    long = chunked(*[b"data: " + b"x" * 1000 + b"\n\n"] * 5, ends=False)
    assert met(long, replace(SHORT, silence_s=5)) == "answer without an end"


def test_a_port_where_nobody_listens_and_a_host_that_is_none_have_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url, outcome in (
        (f"http://127.0.0.1:{port}", "connection refused"),
        ("http://no-such-host.invalid", "unknown host"),
    ):
        with pytest.raises(EndpointError) as broken:
            Client(read_address(url), retries=Retries(times=0)).get("/")
        assert broken.value.outcome == outcome


def test_a_certificate_is_checked(
    client: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = server_context(tmp_path)
    with raw_server([b""], context=context) as server, pytest.raises(EndpointError) as broken:
        client(server).get("/")
    assert broken.value.outcome == "certificate refused"
    assert "SSL_CERT_FILE" in str(broken.value)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with raw_server(whole(b'{"a": 1}'), context=context) as server:
        assert client(server).get("/") == {"a": 1}


def test_tls_to_a_server_without_it_says_so(client: Make) -> None:
    with raw_server([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as server:
        server.scheme = "https"
        with pytest.raises(EndpointError) as broken:
            client(server).get("/")
    assert broken.value.outcome == "connection lost"


def test_passing_faults_are_tried_again_with_back_off_and_counted(client: Make) -> None:
    answers = [
        whole(b"busy", status="503 Service Unavailable"),
        whole(b"{}", status="429 Too Many Requests", headers="Retry-After: 7\r\n"),
        whole(b'{"cut'),
        whole(b'{"a": 1}'),
    ]
    waits: list[float] = []
    with raw_server(*answers, keeps_open=False) as server:
        one = client(server, times=3, wait=waits.append)
        assert one.get("/") == {"a": 1}
    # back-off 1, 2, 4 s; the second is raised to what Retry-After asks
    assert waits == [1, 7, 4]
    assert (one.tally.requests, one.tally.retries, one.tally.waited_s) == (1, 3, 12)
    assert one.tally.outcomes == {"server error": 1, "rate limited": 1, "invalid JSON": 1}


def test_the_clock_starts_anew_with_each_try(client: Make) -> None:
    answers = [
        chunked(b"data: 1\n\n", ends=False),
        chunked(b"data: 1\n\n", b"data: [DONE]\n\n"),
    ]
    waited_ns: list[int] = []

    def wait(_: float) -> None:
        waited_ns.append(time.perf_counter_ns())

    with raw_server(*answers, keeps_open=False) as server:
        one = client(server, times=3, wait=wait)
        streamed = one.stream("/", {}, as_it_came)
    assert [event.data for _, event in streamed.arrived] == ["1"]
    assert waited_ns[0] < streamed.started_ns
    assert one.tally.outcomes == {"body cut short": 1}


def test_a_reader_that_finds_a_fault_has_the_request_sent_again(client: Make) -> None:
    answers = [chunked(b"data: {\n\n"), chunked(b"data: 2\n\n")]

    def read(streamed: Streamed) -> str:
        if streamed.arrived[0][1].data == "{":
            raise EndpointError("invalid JSON", "invalid JSON")
        return streamed.arrived[0][1].data

    with raw_server(*answers, keeps_open=False) as server:
        one = client(server, times=3)
        assert one.stream("/", {}, read) == "2"
    assert one.tally.retries == 1


def test_faults_that_do_not_pass_and_waits_that_are_too_long_end_at_once(client: Make) -> None:
    for answer in (
        whole(b"{}", status="404 Not Found"),
        whole(b"{}", status="429 Too Many Requests", headers="Retry-After: 3600\r\n"),
    ):
        with raw_server(answer, keeps_open=False) as server:
            one = client(server, times=3, wait=lambda _: pytest.fail("waited"))
            with pytest.raises(EndpointError):
                one.get("/")
        assert one.tally.retries == 0


def test_a_key_that_no_header_can_carry_is_refused_without_being_shown() -> None:
    for key in ("two words", "umlaut-ä", "line\nbreak"):
        with pytest.raises(EndpointError, match="no header can carry") as refused:
            Client(read_address("http://host"), key=key)
        assert key not in str(refused.value)


def test_a_key_that_the_server_sends_back_is_cut_out(client: Make) -> None:
    with raw_server(
        whole(b'{"text": "sk-very-secret"}'), chunked(b"data: sk-very-secret\n\n")
    ) as s:
        one = client(s)
        assert one.get("/") == {"text": "***"}
        streamed = one.stream("/", {}, as_it_came)
    assert streamed.arrived[0][1].data == "***"
