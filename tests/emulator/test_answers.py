"""The parts that answers of WeChat and COS have in common."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from wx_static_store.emulator.answers import Answer, cos_error

from .conftest import NOON, Client


def test_errors_end_with_a_rid_that_holds_the_time(client: Client) -> None:
    """The first of three groups of 8 hex digits is the clock."""
    errmsg = client.call("staticuploadfile").json()["errmsg"]
    groups = errmsg.rpartition(" rid: ")[2].split("-")
    assert [len(group) for group in groups] == [8, 8, 8]
    assert int(groups[0], 16) == int(NOON)


def test_an_error_of_cos_is_xml_whatever_the_key_holds() -> None:
    answer = cos_error(404, "NoSuchKey", "gone", "/a<\x01&b", NOON, Key="c")
    root = ElementTree.fromstring(answer.body)
    assert [child.tag for child in root][:4] == ["Code", "Message", "Key", "Resource"]
    assert root.findtext("Resource") == "/a<?&b"
    assert root.findtext("RequestId") == answer.headers["x-cos-request-id"]


@pytest.mark.parametrize(
    ("data", "errcode"), [({}, 0), ({"errcode": 45009}, 45009), ({"errcode": "0"}, None)]
)
def test_the_errcode_of_an_answer_is_a_number_and_0_where_it_is_absent(
    data: dict[str, object], errcode: int | None
) -> None:
    assert Answer(data=data).errcode == errcode
    assert Answer().errcode is None
