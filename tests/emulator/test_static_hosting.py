"""The four calls of static hosting: what is refused, what is answered."""

from __future__ import annotations

import pytest

from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.state import STATUSES

from .conftest import ENV, Client


@each("filename", ["", "/a", "a/../b", "..", 1, None, ["a"], "x" * 851, "字" * 284, "\ud800"])
def test_a_filename_that_cannot_be_a_key_is_refused(client: Client, filename: object) -> None:
    """Wrong type, leading slash, parent folder or more than 850 bytes."""
    answer = client.call("staticuploadfile", {"filename": filename}).json()
    assert answer["errcode"] == 40097


@pytest.mark.parametrize("filename", ["x" * 850, "a..b", "a/..b", "文档/图 1.png", "a+b%20c.txt"])
def test_an_unusual_filename_is_accepted_as_the_key(client: Client, filename: str) -> None:
    """Up to 850 bytes; blanks, percent and plus are ordinary characters."""
    assert client.put(filename).status_code == 200
    assert list(client.server.objects()) == [filename]


def test_a_link_is_percent_encoded_once_and_signed_in_one_parameter(client: Client) -> None:
    """The key is in the path, the whole authorization in `sign`."""
    url, headers = client.link("文档/图 1.png")
    path = "/%E6%96%87%E6%A1%A3/%E5%9B%BE%201.png?sign=q-sign-algorithm%3Dsha1%26q-ak%3D"
    assert url.startswith(client.server.site_url() + path)
    assert headers["x-cos-security-token"].startswith("EXAMPLE-security-token_")


def test_an_unknown_environment_is_an_error_with_its_tcbcode(client: Client) -> None:
    """The cloud's own error, with its TcbCode."""
    answer = client.call("staticuploadfile", {"env": "other", "filename": "a"}).json()
    assert answer["errcode"] == -501000
    assert "TcbCode: [ResourceNotFound.Env]" in answer["errmsg"]


@pytest.mark.parametrize(
    ("status", "errcode"), [("none", 85088), ("process", -501005), ("offline", -501005)]
)
def test_a_link_is_refused_while_hosting_is_not_online(
    client: Client, status: str, errcode: int
) -> None:
    """Never opened and not in service have different errcodes."""
    client.server.add_env(ENV, status)
    answer = client.call("staticuploadfile", {"filename": "a"}).json()
    assert answer["errcode"] == errcode


def test_describestaticstore_gives_the_address_of_the_site(client: Client) -> None:
    """`domain` is where objects are served."""
    (store,) = client.call("describestaticstore").json()["Data"]
    assert f"http://{store['domain']}" == client.server.site_url()
    assert store["status"] == "online"
    assert store["regoin"] == "ap-shanghai"
    assert store["bucket"].endswith(f"-static-{ENV}-1304480914")


def test_hosting_is_online_some_time_after_it_was_created(client: Client) -> None:
    """create, then `process`, then `online` after the delay."""
    client.server.quirks.store_delay = 180
    client.server.add_env(ENV, "none")
    assert client.call("describestaticstore").json()["Data"] is None
    created = client.call("createstaticstore").json()
    assert created == {"errcode": 0, "errmsg": "ok"}
    assert client.call("describestaticstore").json()["Data"][0]["status"] == "process"
    client.server.advance(180)
    assert client.call("describestaticstore").json()["Data"][0]["status"] == "online"


def test_a_quirk_decides_how_describestaticstore_shows_no_hosting(client: Client) -> None:
    """The quirk gives [] or null where hosting is off."""
    client.server.add_env(ENV, "none")
    empties: list[list[str] | None] = [[], None]
    for empty in empties:
        client.server.quirks.update({"describe_empty": empty})
        assert client.call("describestaticstore").json()["Data"] == empty


def test_a_quirk_leaves_data_out_where_there_is_no_hosting(client: Client) -> None:
    client.server.add_env(ENV, "none")
    client.server.quirks.describe_empty = "missing"
    assert client.call("describestaticstore").json() == {"errcode": 0, "errmsg": "ok"}


def test_a_quirk_shows_a_store_without_domain_where_there_is_no_hosting(client: Client) -> None:
    client.server.add_env(ENV, "none")
    client.server.quirks.describe_empty = "no_domain"
    assert client.call("describestaticstore").json()["Data"] == [{"env": ENV, "status": ""}]


def created(client: Client) -> list[str]:
    """Create a store that takes three minutes; return its status before and after."""
    client.server.quirks.store_delay = 180
    client.server.add_env(ENV, "none")
    assert client.call("createstaticstore").json()["errcode"] == 0
    before = described(client)
    client.server.advance(180)
    return [before, described(client)]


def described(client: Client) -> str:
    status: str = client.call("describestaticstore").json()["Data"][0]["status"]
    return status


@pytest.mark.parametrize("end", ["online", "process", "create_fail"])
def test_a_quirk_decides_what_becomes_of_a_new_store(client: Client, end: str) -> None:
    client.server.quirks.store_becomes = end
    assert created(client) == ["process", end]


def test_a_store_whose_creation_failed_can_be_created_again(client: Client) -> None:
    client.server.quirks.store_becomes = "create_fail"
    created(client)
    assert client.call("createstaticstore").json()["errcode"] == 0
    assert described(client) == "process"


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "none"])
def test_describestaticstore_shows_each_status(client: Client, status: str) -> None:
    client.server.add_env(ENV, status)
    assert described(client) == status


def test_a_quirk_shows_an_unknown_status(client: Client) -> None:
    client.server.quirks.store_status = "thawing"
    assert described(client) == "thawing"


def test_a_quirk_refuses_a_store_for_its_billing_mode(client: Client) -> None:
    client.server.add_env(ENV, "none")
    client.server.quirks.pay_as_you_go = False
    answer = client.call("createstaticstore").json()
    assert answer["errcode"] == -501000
    assert "TcbCode: [OperationDenied" in answer["errmsg"]
    assert client.call("describestaticstore").json()["Data"] is None


def keys(client: Client, **fields: str) -> list[str]:
    """Return the keys of one page."""
    return [item["key"] for item in client.call("staticfilelist", fields).json()["contents"]]


def seed(server: EmulatorServer, *names: str) -> None:
    """Objects to be listed."""
    for name in names:
        server.put_object(name, name.encode())


def test_the_list_is_in_binary_order(client: Client) -> None:
    """Upper case before lower case, Chinese after, astral last: bytes of UTF-8, not UTF-16."""
    seed(client.server, "b", "a/b", "字", "B", "a-b", "\U0001f600", "\uffee")
    assert keys(client) == ["B", "a-b", "a/b", "b", "字", "\uffee", "\U0001f600"]


def test_a_listed_object_has_its_size_as_text_and_its_time_in_utc(client: Client) -> None:
    """Sizes are text, times have milliseconds and a Z, md5 is the plain one."""
    client.put("a.txt", b"a")
    assert client.call("staticfilelist").json()["contents"] == [
        {
            "key": "a.txt",
            "last_modified": "2023-11-14T22:13:20.000Z",
            "md5": "0cc175b9c0f1b6a831c399e269772661",
            "size": "1",
        }
    ]


def test_the_prefix_of_a_list_is_no_folder(client: Client) -> None:
    """No folder is meant."""
    seed(client.server, "a", "ab/c", "b")
    assert keys(client, prefix="a") == ["a", "ab/c"]


def test_the_list_has_pages_of_a_thousand_keys(client: Client) -> None:
    """1000 keys on a page; the marker is the last key, and exclusive; there is no next marker."""
    seed(client.server, *(f"{number:04}" for number in range(1001)))
    first = client.call("staticfilelist").json()
    assert sorted(first) == ["contents", "errcode", "errmsg", "is_truncated"]
    assert (len(first["contents"]), first["is_truncated"]) == (1000, True)
    second = client.call("staticfilelist", {"marker": "0999"}).json()
    assert [item["key"] for item in second["contents"]] == ["1000"]
    assert second["is_truncated"] is False


def test_a_quirk_repeats_the_marker_on_the_next_page(client: Client) -> None:
    """The quirk repeats the marker."""
    seed(client.server, "a", "b")
    client.server.quirks.marker = "inclusive"
    assert keys(client, marker="a") == ["a", "b"]


def test_a_delimiter_makes_folders_invisible(client: Client) -> None:
    """They count for the size of the page but cannot be shown."""
    seed(client.server, "a/1", "a/2", "b", "c")
    assert keys(client, delimiter="/") == ["b", "c"]
    client.server.quirks.page_size = 2
    assert keys(client, delimiter="/") == ["b"]


def test_a_quirk_lists_tags_that_are_no_md5(client: Client) -> None:
    """The quirk gives tags that are no MD5."""
    client.put("a", b"a")
    client.server.quirks.list_md5 = "multipart"
    (item,) = client.call("staticfilelist").json()["contents"]
    assert item["md5"] == "0cc175b9c0f1b6a831c399e269772661-1"


@pytest.mark.parametrize("field", ["prefix", "marker", "delimiter"])
def test_an_argument_of_the_list_must_be_text(client: Client, field: str) -> None:
    """Another type is an invalid argument."""
    assert client.call("staticfilelist", {field: 1}).json()["errcode"] == 40097


def sizes(client: Client) -> dict[str, str]:
    """Return the size of each listed object."""
    contents = client.call("staticfilelist").json()["contents"]
    return {item["key"]: item["size"] for item in contents}


def test_a_new_object_is_listed_after_the_lag(client: Client) -> None:
    """Not before; to the second."""
    client.server.quirks.list_lag_seconds = 5
    client.put("a")
    assert keys(client) == []
    client.server.advance(4)
    assert keys(client) == []
    client.server.advance(1)
    assert keys(client) == ["a"]


def test_an_overwritten_object_is_listed_as_before_during_the_lag(client: Client) -> None:
    """With the md5, the size and the time of the version before."""
    client.put("a", b"old one")
    before = client.call("staticfilelist").json()["contents"]
    client.server.advance(60)
    client.server.quirks.list_lag_seconds = 5
    client.put("a", b"new")
    assert client.call("staticfilelist").json()["contents"] == before
    client.server.advance(5)
    (item,) = client.call("staticfilelist").json()["contents"]
    assert item["md5"] == client.server.objects()["a"].md5
    assert (item["size"], item["last_modified"]) == ("3", "2023-11-14T22:14:20.000Z")


def test_each_version_of_an_object_is_listed_in_its_turn(client: Client) -> None:
    """An object that is written three times within the lag."""
    client.server.quirks.list_lag_seconds = 5
    for body in (b"1", b"22", b"333"):
        client.put("a", body)
        client.server.advance(2)
    seen = []
    for _ in range(3):
        seen.append(sizes(client))
        client.server.advance(2)
    assert seen == [{"a": "1"}, {"a": "2"}, {"a": "3"}]


def test_of_versions_written_at_one_moment_the_last_is_listed(client: Client) -> None:
    """The versions between were never visible."""
    client.server.quirks.list_lag_seconds = 5
    for body in (b"1", b"22", b"333"):
        client.put("a", body)
    assert sizes(client) == {}
    client.server.advance(5)
    assert sizes(client) == {"a": "3"}


def test_a_deleted_object_is_listed_during_the_lag(client: Client) -> None:
    """A deletion is late as a write is."""
    client.put("a", b"x")
    client.server.quirks.list_lag_seconds = 5
    client.server.delete_object("a")
    assert sizes(client) == {"a": "1"}
    client.server.advance(5)
    assert sizes(client) == {}


def test_each_page_of_the_list_lags(client: Client) -> None:
    """Each page, and whether there is another one, is of the time before."""
    client.server.quirks.page_size = 2
    seed(client.server, "b", "d", "f")
    client.server.quirks.list_lag_seconds = 5
    seed(client.server, "a", "c", "g", "h")
    assert (keys(client), keys(client, marker="d")) == (["b", "d"], ["f"])
    assert client.call("staticfilelist", {"marker": "d"}).json()["is_truncated"] is False
    client.server.advance(5)
    assert (keys(client), keys(client, marker="d")) == (["a", "b"], ["f", "g"])


def test_writes_before_the_lag_was_set_are_listed_at_once(client: Client) -> None:
    """Even those of the last seconds: what they replaced is not known."""
    client.put("a", b"old")
    client.put("a", b"new one")
    client.server.quirks.list_lag_seconds = 5
    client.put("b")
    assert sizes(client) == {"a": "7"}


def test_the_list_is_complete_as_soon_as_the_lag_is_zero(client: Client) -> None:
    """At once, and for good: a lag that is set anew hides later writes only."""
    client.server.quirks.list_lag_seconds = 5
    client.put("a")
    client.server.quirks.list_lag_seconds = 0
    assert keys(client) == ["a"]
    client.put("b")
    client.server.quirks.list_lag_seconds = 5
    assert keys(client) == ["a", "b"]


def test_changes_older_than_the_lag_are_forgotten(client: Client) -> None:
    """So that memory does not grow; a longer lag does not bring them back."""
    client.server.quirks.list_lag_seconds = 5
    client.put("a")
    client.server.advance(5)
    client.put("b")
    client.server.quirks.list_lag_seconds = 3600
    assert keys(client) == ["a"]


def test_a_put_does_not_lag(client: Client) -> None:
    """An object that is not listed yet may not be overwritten if the client forbids it."""
    client.server.quirks.list_lag_seconds = 5
    client.put("a")
    assert client.put("a", x_cos_forbid_overwrite="true").status_code == 409
    assert list(client.server.objects()) == ["a"]
