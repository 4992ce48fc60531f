"""XML of a stranger is read into texts, and refused at its first oddity."""

import pytest

from tests.tables import each
from wx_static_store.callback.refusals import Refusal
from wx_static_store.callback.safe_xml import read


def test_elements_are_texts_and_repeated_elements_a_list() -> None:
    document = b"<xml><A><![CDATA[1]]></A><B>2</B><B>3</B><C><D>4</D></C></xml>"
    assert read(document) == {"A": "1", "B": ["2", "3"], "C": {"D": "4"}}


@each(
    ("document", "reason"),
    [
        (b"<xml><A>1</A>", "xml"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><A>&a;</A></xml>', "xml"),
        (b'<xml><A a="1">1</A></xml>', "shape"),
        (b"<xml><A><B><C><D>1</D></C></B></A></xml>", "shape"),
        (b"<xml>text</xml>", "shape"),
        (b"<xml><?go now?><A>1</A></xml>", "instruction"),
        (b'<?xml version="1.0" encoding="latin-1"?><xml><A>1</A></xml>', "encoding"),
        ("<xml><A>1</A></xml>".encode("utf-16"), "encoding"),
    ],
)
def test_a_document_that_wechat_never_sends_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(document)
    assert (caught.value.reason, caught.value.status) == (reason, 403)
