"""PUT Object: what is checked, what is stored, what is answered."""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
import requests

from wx_static_store.emulator.crc64 import crc64

from .conftest import ENV, Client, code, connect, head, read_all


def content_md5(body: bytes) -> str:
    """As the header wants it."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def test_a_put_stores_bytes_and_headers(client: Client) -> None:
    """What was sent is what is kept."""
    answer = client.put("a.css", b"a{}", Content_Type="text/css", Cache_Control="no-cache")
    assert answer.status_code == 200
    assert answer.content == b""
    stored = client.server.objects()["a.css"]
    assert (stored.body, stored.size) == (b"a{}", 3)
    assert stored.headers == {"Content-Type": "text/css", "Cache-Control": "no-cache"}


def test_a_put_is_answered_with_etag_crc64_request_id_and_server(client: Client) -> None:
    """A quoted ETag, the checksum, an id and the server's name."""
    headers = client.put("a", b"123456789").headers
    assert headers["ETag"] == '"25f9e794323b453885f5181f1b624d0b"'
    assert headers["x-cos-hash-crc64ecma"] == "11051210869376104954"
    assert headers["x-cos-request-id"]
    assert headers["Server"] == "tencent-cos"


def test_the_date_of_a_put_is_that_of_the_emulator_s_clock(client: Client) -> None:
    """Not of the machine's: it is the second that lists give as last_modified."""
    client.server.advance(3600)
    assert client.put("a").headers["Date"] == "Tue, 14 Nov 2023 23:13:20 GMT"
    assert client.get("/a").headers["Last-Modified"] == "Tue, 14 Nov 2023 23:13:20 GMT"


def test_an_overwriting_put_is_answered_with_200(client: Client) -> None:
    """The second PUT wins."""
    client.put("a", b"old")
    assert client.put("a", b"new").status_code == 200
    assert client.server.objects()["a"].body == b"new"


def test_an_existing_key_is_a_conflict_with_x_cos_forbid_overwrite(client: Client) -> None:
    """With the header an existing key is a conflict."""
    client.put("a", b"old")
    answer = client.put("a", b"new", x_cos_forbid_overwrite="true")
    assert (answer.status_code, code(answer.text)) == (409, "FileAlreadyExists")
    assert client.server.objects()["a"].body == b"old"


def test_a_link_is_valid_for_sixty_seconds(client: Client) -> None:
    """The 60th second counts, the 61st does not; the answer has the server's time."""
    url, headers = client.link("a")
    client.server.advance(60)
    assert client.session.put(url, data=b"", headers=headers).status_code == 200
    client.server.advance(1)
    answer = client.session.put(url, data=b"", headers=headers)
    assert (answer.status_code, code(answer.text)) == (403, "AccessDenied")
    assert "<Message>Request has expired</Message>" in answer.text
    assert "<ServerTime>2023-11-14T22:14:21Z</ServerTime>" in answer.text
    assert [entry.link_age for entry in client.server.calls("put_object")] == [60, 61]


def test_a_quirk_checks_the_link_after_the_body(client: Client) -> None:
    """An upload that takes longer than its link may be refused when all is sent."""
    client.server.quirks.check_signature_at = "end"
    url, headers = client.link("a")

    def slow() -> Iterator[bytes]:
        yield b"a"
        client.server.advance(61)
        yield b"b"

    answer = client.session.put(url, data=slow(), headers=headers)
    assert "Request has expired" in answer.text
    assert client.server.objects() == {}


def test_the_signature_covers_the_key(client: Client) -> None:
    """A link does not open another key."""
    url, headers = client.link("a")
    answer = client.session.put(url.replace("/a?", "/b?"), data=b"", headers=headers)
    assert (answer.status_code, code(answer.text)) == (403, "SignatureDoesNotMatch")


def test_a_link_that_was_decoded_is_refused(client: Client) -> None:
    """Somebody who decodes the link breaks it."""
    url, headers = client.link("a")
    answer = client.session.put(unquote(url), data=b"", headers=headers)
    assert (answer.status_code, code(answer.text)) == (403, "AccessDenied")


def test_a_signature_in_separate_parameters_is_accepted(client: Client) -> None:
    """The seven parts may stand each on its own in the query."""
    url, headers = client.link("a")
    base, _, sign = url.partition("?sign=")
    answer = client.session.put(f"{base}?{unquote(sign)}", data=b"", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("token", "expected"), [(None, "InvalidAccessKeyId"), ("wrong", "AccessDenied")]
)
def test_a_put_without_the_right_security_token_is_refused(
    client: Client, token: str | None, expected: str
) -> None:
    """Without the header, or with another token, nothing is stored."""
    url, _ = client.link("a")
    answer = client.session.put(url, data=b"", headers={"x-cos-security-token": token})
    assert (answer.status_code, code(answer.text)) == (403, expected)


def test_the_security_token_may_be_in_the_query(client: Client) -> None:
    """Tencent's SDK sends it so."""
    url, headers = client.link("a")
    token = headers["x-cos-security-token"]
    answer = client.session.put(f"{url}&x-cos-security-token={token}", data=b"")
    assert answer.status_code == 200


def test_an_unknown_key_id_is_refused(client: Client) -> None:
    """A foreign q-ak is named as such."""
    url, headers = client.link("a")
    answer = client.session.put(url.replace("AKIDEXAMPLE", "AKIDOTHER"), data=b"", headers=headers)
    assert (answer.status_code, code(answer.text)) == (403, "InvalidAccessKeyId")


def test_a_sign_time_that_is_not_a_number_is_refused(client: Client) -> None:
    """A damaged q-sign-time is refused, not a crash."""
    url, headers = client.link("a")
    answer = client.session.put(url.replace("1700000000", "soon"), data=b"", headers=headers)
    assert answer.status_code == 403


def test_a_wrong_or_malformed_content_md5_is_refused(client: Client) -> None:
    """A right one is accepted, a wrong one is BadDigest, nonsense is InvalidDigest."""
    assert client.put("a", b"a", Content_MD5=content_md5(b"a")).status_code == 200
    wrong = client.put("b", b"b", Content_MD5=content_md5(b"a"))
    nonsense = client.put("b", b"b", Content_MD5="abc")
    assert (wrong.status_code, code(wrong.text)) == (400, "BadDigest")
    assert (nonsense.status_code, code(nonsense.text)) == (400, "InvalidDigest")
    assert list(client.server.objects()) == ["a"]


def test_a_body_over_5_gib_is_refused_before_it_is_sent(client: Client) -> None:
    """More than 5 GiB is refused by its announcement."""
    url, headers = client.link("a")
    with connect(url) as connection:
        connection.sendall(head("PUT", url, {**headers, "Content-Length": str((5 << 30) + 1)}))
        assert code(read_all(connection).decode()) == "EntityTooLarge"


def test_large_objects_have_no_crc64(client: Client) -> None:
    """Summing is slow in Python, so above a limit the header is left out."""
    client.server.quirks.crc64_limit = 4
    assert client.put("a", b"1234").headers["x-cos-hash-crc64ecma"] == str(crc64(b"1234"))
    assert "x-cos-hash-crc64ecma" not in client.put("a", b"12345").headers


@pytest.mark.parametrize("path", ["/" + "x" * 851, "/%ff"])
def test_a_key_that_is_too_long_or_not_utf_8_is_refused(client: Client, path: str) -> None:
    """Over 850 bytes, or not UTF-8."""
    url, headers = client.link("a")
    query = urlsplit(url).query
    answer = client.session.put(f"{client.server.site_url()}{path}?{query}", headers=headers)
    assert (answer.status_code, code(answer.text)) == (400, "InvalidURI")


def test_a_put_into_a_destroyed_environment_is_404(client: Client) -> None:
    """A link into a destroyed bucket is 404."""
    url, headers = client.link("a")
    client.server.add_env(ENV, "destroying")
    answer = client.session.put(url, data=b"", headers=headers)
    assert (answer.status_code, code(answer.text)) == (404, "NoSuchBucket")


def test_a_delete_is_not_allowed(client: Client) -> None:
    """There is no DELETE."""
    answer = client.session.delete(client.link("a")[0])
    assert (answer.status_code, code(answer.text)) == (405, "MethodNotAllowed")


def test_an_error_is_xml_with_the_ids_of_its_headers(client: Client) -> None:
    """Errors are XML and carry the trace in a header, too."""
    url, headers = client.link("a")
    client.server.advance(61)
    answer = client.session.put(url, data=b"abc", headers=headers)
    assert answer.headers["Content-Type"] == "application/xml"
    assert f"<TraceId>{answer.headers['x-cos-trace-id']}</TraceId>" in answer.text
    assert f"<RequestId>{answer.headers['x-cos-request-id']}</RequestId>" in answer.text


def test_the_connection_stays_open_after_an_error(client: Client) -> None:
    """The body is read before the refusal, so the next request may follow."""
    url, headers = client.link("a")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    for body in (b"x" * 100_000, b"y"):
        wrong = {**headers, "Content-MD5": content_md5(b"other")}
        connection.request("PUT", f"{parts.path}?{parts.query}", body, wrong)
        answer = connection.getresponse()
        assert code(answer.read().decode()) == "BadDigest"
    connection.close()


ASKED = {
    "Origin": "https://example.com",
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type,x-cos-security-token",
}


def probe(client: Client) -> requests.Response:
    """Ask without a link and without a signature, as a doctor does."""
    url = client.server.site_url() + "/doctor-probe"
    return client.session.options(url, headers=ASKED, timeout=10)


def test_a_preflight_needs_no_link(client: Client) -> None:
    client.server.quirks.cors = True
    answer = probe(client)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-cos-request-id"]
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-cos-security-token"
    assert answer.headers["Access-Control-Max-Age"] == "600"


def test_a_forbidden_preflight_is_an_error_of_cos(client: Client) -> None:
    answer = probe(client)
    assert (answer.status_code, code(answer.text)) == (403, "AccessForbidden")
    assert answer.headers["x-cos-request-id"]


@pytest.mark.parametrize(
    ("quirk", "header"), [("cors_methods", "Methods"), ("cors_headers", "Headers")]
)
def test_a_quirk_makes_the_cors_rule_narrower(client: Client, quirk: str, header: str) -> None:
    client.server.quirks.update({"cors": True, quirk: "GET"})
    assert probe(client).headers[f"Access-Control-Allow-{header}"] == "GET"


def test_a_preflight_without_a_bucket_is_an_error(client: Client) -> None:
    client.server.quirks.cors = True
    client.server.add_env(ENV, "none")
    answer = probe(client)
    assert (answer.status_code, code(answer.text)) == (404, "NoSuchBucket")


def preflight(client: Client) -> tuple[int, str | None]:
    """Ask what a browser asks before it PUTs."""
    answer = client.session.options(client.link("a")[0], headers=ASKED)
    return answer.status_code, answer.headers.get("Access-Control-Allow-Origin")


def test_a_preflight_is_forbidden_by_default(client: Client) -> None:
    """Without a rule the preflight is forbidden."""
    assert preflight(client) == (403, None)


def test_a_quirk_allows_the_preflight(client: Client) -> None:
    """With it the preflight passes and the ETag can be read."""
    client.server.quirks.cors = True
    assert preflight(client) == (200, "https://example.com")
    answer = client.put("a", b"", Origin="https://example.com")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
