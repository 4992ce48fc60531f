"""Of a call and its answer, only what is known to be harmless is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.tables import each
from wx_static_store.core.redaction import HARMLESS, redacted_json, redacted_url

CANARY = "canary_0123456789_ABCdef"


def shown(value: Any) -> Any:
    return json.loads(str(redacted_json(json.dumps(value))))


def test_the_value_of_a_harmless_member_is_shown() -> None:
    call = {"env": "demo", "filename": "茶/a.css", "offset": 0, "appids": ["wx1", "wx2"]}
    assert shown(call) == call


@pytest.mark.parametrize("value", [CANARY, 7, 1.5, True, None])
def test_the_value_of_any_other_member_is_stars(value: Any) -> None:
    assert shown({"component_appsecret": value}) == {"component_appsecret": "***"}


def test_members_of_members_are_judged_by_their_own_names() -> None:
    given = {"env": {"token": CANARY, "env": "a"}, "data": [{"env": "b", "key": CANARY}]}
    assert shown(given) == {
        "env": {"token": "***", "env": "a"},
        "data": [{"env": "b", "key": "***"}],
    }


def test_a_secret_in_a_harmless_text_is_stars() -> None:
    assert shown({"errmsg": f"bad access_token={CANARY} rid: 1"}) == {
        "errmsg": "bad access_token=*** rid: 1"
    }


def test_a_harmless_text_with_backslashes_is_stars() -> None:
    inner = json.dumps({"a": json.dumps({"access_token": CANARY})})
    assert shown({"errmsg": inner}) == {"errmsg": "***"}


def test_a_long_text_is_cut() -> None:
    assert len(shown({"errmsg": "x" * 5000})["errmsg"]) == 1000


def test_a_name_that_is_no_plain_word_is_stars() -> None:
    assert shown({CANARY: 1, "x-cos-security-token": 2}) == {"***": "***"}


@each("text", ["", "a=b", "{", "NaN", '{"errcode": NaN}', "[" * 100_000])
def test_a_text_that_is_no_json_is_its_length(text: str) -> None:
    assert redacted_json(text) == len(text)


@pytest.mark.parametrize("value", [CANARY, 7, [CANARY], None])
def test_json_that_is_no_object_is_stars(value: Any) -> None:
    assert CANARY not in json.dumps(shown(value))


def test_what_lies_deeper_than_eight_levels_is_stars() -> None:
    value: Any = {"env": "a"}
    for _ in range(20):
        value = {"data": value}
    assert '"env"' not in str(redacted_json(json.dumps(value)))


def test_half_a_surrogate_pair_can_be_written_out() -> None:
    assert str(redacted_json('{"env": "\\ud800"}')).encode() == b'{\n  "env": "?"\n}'


@given(
    st.recursive(
        st.just(CANARY),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=9).filter(lambda n: n not in HARMLESS), inner)
        ),
        max_leaves=8,
    )
)
def test_no_value_of_an_unknown_member_is_shown(value: Any) -> None:
    assert CANARY not in str(redacted_json(json.dumps(value)))


# --- addresses ------------------------------------------------------------------------------


@each(
    ("text", "result"),
    [
        ("", ""),
        (f"access_token={CANARY}", "?access_token=***"),
        (f"?access_token={CANARY}&env=a", "?access_token=***&env=***"),
        (
            f"/componenttcb/describeenvs?access_token={CANARY}",
            "/componenttcb/describeenvs?access_token=***",
        ),
        ("/cgi-bin/openapi/rid/get", "/cgi-bin/openapi/rid/get"),
        (f"https://api.example/cgi-bin/x?a={CANARY}", "/cgi-bin/x?a=***"),
        (f"https://{CANARY}@api.example/cgi-bin/x?", "/cgi-bin/x"),
        (CANARY, "***"),
        (f"?{CANARY}", "?***"),
        (f"?{CANARY}=1&&a=", "?***=***&a=***"),
        (f"/{CANARY}/x?a=1", "***?a=***"),
        (f"/x#{CANARY}", "***"),
        ("?" + "a=1&" * 100, "?" + "&".join(["a=***"] * 20)),
    ],
)
def test_of_an_address_the_path_and_the_names_of_parameters_are_left(
    text: str, result: str
) -> None:
    assert redacted_url(text) == result
