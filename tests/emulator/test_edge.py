"""Two edges: the CDN of CloudBase, and EdgeOne, to which it moves."""

from __future__ import annotations

import gzip

import pytest

from tests.tables import each

from .conftest import Client


@each(
    ("edge", "names", "hit"),
    [
        ("cdn", ("X-NWS-LOG-UUID", "X-Cache-Lookup"), "Cache Hit"),
        ("eo", ("EO-LOG-UUID", "EO-Cache-Status"), "HIT"),
    ],
)
def test_each_edge_marks_its_answers(
    client: Client, edge: str, names: tuple[str, str], hit: str
) -> None:
    client.server.quirks.update({"edge": edge, "site_stale_seconds": 60})
    client.put("a", b"old")
    client.put("a", b"new")
    stale, missing = client.get("/a"), client.get("/none")
    assert (stale.content, stale.headers[names[1]]) == (b"old", hit)
    assert stale.headers[names[0]] != missing.headers[names[0]]
    others = {"X-NWS-LOG-UUID", "X-Cache-Lookup", "EO-LOG-UUID", "EO-Cache-Status"} - {*names}
    assert not others & stale.headers.keys()


def test_edgeone_names_itself_where_the_origin_names_no_server(client: Client) -> None:
    client.server.quirks.edge = "eo"
    client.server.put_object("a", b"x")
    servers = [client.get(path).headers["Server"] for path in ("/a", "/none")]
    assert servers == ["tencent-cos", "TencentEdgeOne"]


_MB = 1 << 20


@pytest.mark.parametrize("edge", ["cdn", "eo"])
def test_each_edge_compresses_by_its_table(client: Client, edge: str) -> None:
    client.server.quirks.edge = edge
    rows = {
        "small.js": ("text/javascript", 255, ""),
        "a.js": ("text/javascript", 256, "cdn eo"),
        "large.js": ("text/javascript", 2 * _MB + 1, "eo"),
        "huge.js": ("text/javascript", 30 * _MB + 1, ""),
        "a.mjs": ("text/javascript", 999, "eo"),
        "a.svg": ("image/svg+xml", 999, "eo"),
        "a.wasm": ("application/wasm", 999, "eo"),
        "a.js.map": ("application/json", 999, "eo"),
        "a.png": ("image/png", 999, ""),
    }
    for key, (kind, size, _edges) in rows.items():
        client.server.put_object(key, bytes(size), headers={"Content-Type": kind})
    answers = {key: client.get(f"/{key}") for key in rows}
    compressed = {key for key, found in answers.items() if "Content-Encoding" in found.headers}
    assert compressed == {key for key, (*_of, edges) in rows.items() if edge in edges}
    assert {key: len(found.content) for key, found in answers.items()} == {
        key: size for key, (_kind, size, _edges) in rows.items()
    }


def test_no_edge_compresses_what_is_encoded_or_was_not_asked_for(client: Client) -> None:
    client.put("a.js", bytes(999), Content_Type="text/javascript", Content_Encoding="identity")
    client.put("b.js", bytes(999), Content_Type="text/javascript")
    plain = client.get("/b.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert client.get("/a.js").headers["Content-Encoding"] == "identity"


_PLAIN = b"<svg/>" * 99


@pytest.mark.parametrize("edge", ["cdn", "eo"])
@each(
    ("edge_gzip", "encoding", "of_plain"),
    [
        ("kept", ("gzip", "gzip"), False),
        ("decoded", ("gzip", None), True),
        ("plain", (None, None), True),
        ("dropped", (None, None), False),
    ],
)
def test_an_edge_keeps_decodes_or_strips_a_stored_gzip(
    client: Client, edge: str, edge_gzip: str, encoding: tuple[object, object], *, of_plain: bool
) -> None:
    client.server.quirks.update({"edge": edge, "edge_gzip": edge_gzip})
    packed = gzip.compress(_PLAIN, mtime=0)
    client.put("a.svg", packed, Content_Type="image/svg+xml", Content_Encoding="gzip")
    accepts = ({"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"})
    answers = [client.get("/a.svg", headers=headers, stream=True) for headers in accepts]
    assert tuple(found.headers.get("Content-Encoding") for found in answers) == encoding
    wire = [found.raw.read() for found in answers]
    with_gzip = _PLAIN if edge_gzip == "plain" else packed
    assert wire == [with_gzip, _PLAIN if of_plain else packed]
