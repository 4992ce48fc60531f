"""Bodies of requests: lengths, chunks, and 100 Continue."""

from __future__ import annotations

import pytest

from .conftest import Client, code, connect, head, read_all


def test_a_put_without_a_length_is_refused(client: Client) -> None:
    """Neither Content-Length nor chunked is 411."""
    url, headers = client.link("a")
    with connect(url) as connection:
        connection.sendall(head("PUT", url, {**headers, "Connection": "close"}))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert code(answer.decode()) == "MissingContentLength"


def test_a_chunked_body_is_accepted_and_noted_in_the_journal(client: Client) -> None:
    """COS accepts it; the journal has it."""
    url, headers = client.link("a")
    blocks = [b"one ", b"two ", b"x" * 100_000]
    assert client.session.put(url, data=iter(blocks), headers=headers).status_code == 200
    assert client.server.objects()["a"].body == b"".join(blocks)
    (entry,) = client.server.calls("put_object")
    assert entry.chunked
    assert entry.body_size == 100_008


def test_a_connection_stays_open_after_a_chunked_body(client: Client) -> None:
    """The end of the chunks is read to its last byte."""
    url, headers = client.link("a")
    with connect(url) as connection:
        more = {**headers, "Transfer-Encoding": "chunked"}
        connection.sendall(head("PUT", url, more) + b"1\r\na\r\n0\r\nTrailer: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head("GET", url, {"Connection": "close"}))
        assert read_all(connection).endswith(b"\r\n\r\na")


def test_a_body_is_cut_at_its_content_length(client: Client) -> None:
    """More bytes than announced are not part of the object."""
    url, headers = client.link("a")
    with connect(url) as connection:
        more = {**headers, "Content-Length": "3", "Connection": "close"}
        connection.sendall(head("PUT", url, more) + b"abcdef")
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    assert client.server.objects()["a"].body == b"abc"


def test_a_body_shorter_than_announced_is_incomplete(client: Client) -> None:
    """A client that stops early has stored nothing."""
    url, headers = client.link("a")
    with connect(url) as connection:
        connection.sendall(head("PUT", url, {**headers, "Content-Length": "10"}) + b"abc")
        connection.shutdown(1)
        answer = read_all(connection)
    assert code(answer.decode()) == "IncompleteBody"
    assert client.server.objects() == {}


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"5", b"-1\r\n"])
def test_broken_chunks_are_incomplete(client: Client, chunk: bytes) -> None:
    """A size that is no size ends the request."""
    url, headers = client.link("a")
    with connect(url) as connection:
        connection.sendall(head("PUT", url, {**headers, "Transfer-Encoding": "chunked"}) + chunk)
        connection.shutdown(1)
        assert code(read_all(connection).decode()) == "IncompleteBody"


def test_the_server_answers_100_continue_before_the_body(client: Client) -> None:
    """The body is invited first."""
    url, headers = client.link("a")
    more = {**headers, "Content-Length": "1", "Expect": "100-continue", "Connection": "close"}
    with connect(url) as connection:
        connection.sendall(head("PUT", url, more))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"a")
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_an_expired_link_is_refused_before_100_continue(client: Client) -> None:
    """A refusal comes without an invitation, and ends the connection."""
    url, headers = client.link("a")
    client.server.advance(61)
    with connect(url) as connection:
        more = {**headers, "Content-Length": "1", "Expect": "100-continue"}
        connection.sendall(head("PUT", url, more))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nConnection: close\r\n" in answer
