"""The kinds of facts: each value has a sentence, and advice where something follows from it."""

from __future__ import annotations

from tests.tables import each
from wx_static_store.health.doctor.facts import FACT_KINDS, SLOW, SOON

VALUES = {
    "cors": ["off", "on"],
    "list_md5": ["plain", "multipart", "none", "other"],
    "list_lag_seconds": ["0", "3", "10+"],
    "cache_control": ["kept", "none", "max-age=600"],
    "attachment": ["off", "get", "all"],
    "speed": ["90", "900"],
    "folder_index": ["served", "missing"],
    "folder_without_slash": ["serve", "redirect", "200", "404", "500"],
    "missing_path": ["notice", "404", "index.html 200", "404.html 404", "200", "503"],
    "notice_page": ["off", "302", "307", "200"],
    "edge": ["cdn", "eo", "none"],
    "edge_before": ["cdn", "eo"],
    "uncompressed": ["3.4"],
    "gzip_saves": ["2.1"],
    "gzip": ["yes", "plain", "kept", "broken", "403 AccessDenied"],
    "stale_seconds": ["0", "3", "40+"],
    "cache_busting": ["yes", "no"],
    "data_key": ["Data", "data"],
    "region_key": ["regoin", "region", "Region"],
    "list_empty": ["[]", "null", "missing"],
    "truncated_as": ["bool", "string"],
    "marker": ["exclusive", "inclusive"],
    "page_size": ["1000"],
    "errcode_as": ["number", "string"],
    "content_type": ["text/plain", "text/html"],
}
EACH = [(name, value) for name, values in VALUES.items() for value in values]


def test_every_kind_has_an_example() -> None:
    assert VALUES.keys() == FACT_KINDS.keys()


@each(("name", "value"), EACH)
def test_a_value_is_said_in_a_sentence(name: str, value: str) -> None:
    assert str(FACT_KINDS[name].sentence(value)).endswith(".")


@each(
    ("name", "value", "word"),
    [
        ("cors", "on", "PUT to a link"),
        ("list_md5", "multipart", "trust_log"),
        ("list_lag_seconds", f"{SOON}", "wx_reconcile"),
        ("cache_control", "none", "cache_control"),
        ("attachment", "get", "base_url"),
        ("speed", f"{SLOW - 1}", "base_url"),
        ("notice_page", "302", "base_url"),
        ("folder_index", "missing", "index document"),
        ("folder_without_slash", "404", "absolute base"),
        ("stale_seconds", "40+", "WxManifestStaticFilesStorage"),
        ("cache_busting", "no", "wx_deploy --verify"),
    ],
)
def test_a_value_from_which_something_follows_has_advice(name: str, value: str, word: str) -> None:
    assert word in str(FACT_KINDS[name].advice(value))


@each(
    ("name", "value"),
    [
        ("cors", "off"),
        ("list_md5", "plain"),
        ("list_lag_seconds", f"{SOON - 1}"),
        ("cache_control", "kept"),
        ("attachment", "off"),
        ("speed", f"{SLOW}"),
        ("notice_page", "off"),
        ("folder_without_slash", "redirect"),
        ("stale_seconds", "0"),
        ("marker", "inclusive"),
    ],
)
def test_a_value_that_is_well_has_no_advice(name: str, value: str) -> None:
    assert FACT_KINDS[name].advice(value) == ""


def test_a_fact_is_part_of_a_kind_that_there_is() -> None:
    assert {kind.part_of for kind in FACT_KINDS.values()} - {""} <= FACT_KINDS.keys()
