"""Values that never print, and their removal from the texts of others."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.tables import each
from wx_static_store.core.secrets import MASK, Secret, masked, scrub

VALUE = "canary-0123456789_ABCdef"


# --- Secret ---------------------------------------------------------------------------------


@each(
    "text",
    [
        repr(Secret(VALUE)),
        str(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r:>40}",
        f"{Secret(VALUE):>40}",
        "%s %r" % (Secret(VALUE), Secret(VALUE)),  # noqa: UP031 -- how logging does it
        "{0} {0!r}".format(Secret(VALUE)),
        repr([Secret(VALUE)]),
        repr({"a": Secret(VALUE)}),
    ],
)
def test_a_secret_prints_as_stars(text: str) -> None:
    assert MASK in text
    assert VALUE not in text


def test_only_reveal_returns_the_value_of_a_secret() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled") as caught:
        pickle.dumps(Secret(VALUE))
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_of_settings_has_the_same_secret(duplicate: Any) -> None:
    assert duplicate({"ACCESS_TOKEN": Secret(VALUE)}) == {"ACCESS_TOKEN": Secret(VALUE)}


def test_a_secret_is_no_json() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"token": Secret(VALUE)})
    assert VALUE not in str(caught.value)


def test_a_secret_has_no_dictionary_to_print() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


def test_secrets_compare_and_serve_as_keys() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert {Secret("a"): 1}[Secret("a")] == 1
    assert Secret("a") != "a"
    assert Secret("秘密") == Secret("秘密")


# --- scrub ----------------------------------------------------------------------------------


@each(
    ("text", "scrubbed"),
    [
        ("/x?access_token=V HTTP/1.1", "/x?access_token=*** HTTP/1.1"),
        ("/x?access_token=V&a=b", "/x?access_token=***&a=b"),
        ("?component_access_token=V", "?component_access_token=***"),
        ("/a.css?sign=q-sign-algorithm%3Dsha1%26q-ak%3DV", "/a.css?sign=***"),
        ("q-ak=V&q-signature=V", "q-ak=***&q-signature=***"),
        ("q-sign-algorithm%3Dsha1%26q-ak%3DV", "q-sign-algorithm%3Dsha1%26q-ak%3D***"),
        ("x-cos-security-token: V", "x-cos-security-token: ***"),
        ("X-Cos-Security-Token: V\r\nHost: x", "X-Cos-Security-Token: ***\r\nHost: x"),
        ("Authorization: Basic V", "Authorization: ***"),
        ("Authorization: Bearer V", "Authorization: ***"),
        ("authorization: V", "authorization: ***"),
        ('{"component_appsecret": "V", "a": 1}', '{"component_appsecret": ***, "a": 1}'),
        ('{"component_verify_ticket":"V"}', '{"component_verify_ticket":***}'),
        ('{"signed_url": "https://x/?sign=V", "b": 2}', '{"signed_url": ***, "b": 2}'),
        ("{'token': 'V', 'a': 1}", "{'token': ***, 'a': 1}"),
        ("Fake(token='V', a=1)", "Fake(token=***, a=1)"),
        ("APPSECRET=V", "APPSECRET=***"),
        ("host=db password=V", "host=db password=***"),
        ("bad sign: Authorization: Basic V", "bad sign: Authorization: ***"),
        ("invalid token: access_token=V", "invalid token: access_token=***"),
    ],
)
def test_the_value_of_a_secret_name_is_masked(text: str, scrubbed: str) -> None:
    assert scrub(text.replace("V", VALUE)) == scrubbed


@each(
    "text",
    [
        "errcode 40001 invalid credential, access_token is invalid or not latest",
        "GET /static/a.css HTTP/1.1",
        "invalid component_access_token rid: 65535f00-1a2b3c4d-0f1e2d3c",
        "design=blue",
        "",
        "文档/图 1.png",
    ],
)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


_FORMS = st.sampled_from(
    [
        "?access_token={}",
        "&sign={}",
        "x-cos-security-token: {}",
        "Authorization: Basic {}",
        '"component_appsecret": "{}"',
        '"signed_url": "https://x/{}"',
        "'component_verify_ticket': '{}'",
        "token='{}'",
        "q-signature%3D{}",
    ]
)

_PIECES = st.lists(
    st.sampled_from(["token", "sign", ":", "=", " ", '"', "'", "%3D", "x", "&", "***"]), max_size=6
).map("".join)


@examples(300)
@given(st.text(max_size=20) | _PIECES, st.lists(_FORMS, min_size=1, max_size=3), st.text())
def test_a_planted_secret_comes_out_of_any_text(before: str, forms: list[str], after: str) -> None:
    """H13."""
    text = " ".join([before, *(form.format(VALUE) for form in forms), after])
    scrubbed = scrub(text)
    assert VALUE not in scrubbed
    assert scrub(scrubbed) == scrubbed


@examples(200)
@given(_PIECES)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


def test_a_secret_hashes_by_its_value() -> None:
    assert {Secret("a"), Secret("a"), Secret("b")} == {Secret("b"), Secret("a")}
    assert len({hash(Secret(text)) for text in "abc"}) == 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:planted@cache:6379/0", "redis://***@cache:6379/0"),
        ("403 for https://vault.example/wx?key=planted", "https://vault.example/wx?***"),
        ("Invalid header value b'Bearer planted'", "b'***"),
        ("no key hvs.CAESIplanted0123456789x at vault", "no key hvs.*** at vault"),
        ("Connection refused by vault-2.internal:8200", "by vault-2.internal:8200"),
    ],
)
def test_what_looks_like_a_secret_is_masked_in_the_text_of_others(text: str, shown: str) -> None:
    assert shown in masked(text)
    assert "planted" not in masked(text)
