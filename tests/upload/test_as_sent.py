"""Where the tag goes in a page of a preview, and which files get none."""

from io import BytesIO

import pytest

from wx_static_store.core.types import UploadItem
from wx_static_store.upload.as_sent import NOINDEX, as_served

FOLDER = "_preview/menu-1a2b3c4d/"


def sent(body: bytes, name: str = f"{FOLDER}index.html") -> bytes:
    with as_served(UploadItem(name, open=lambda: BytesIO(body))).open() as file:
        return file.read()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<!DOCTYPE html>\n<html lang=zh><head>", b"<title>"),
        (b"\xef\xbb\xbf<!-- <head> --><HTML data-x='>'>\n<Head\nid=a>", b"<meta charset=utf-8>"),
        (b'<?xml version="1.0"?><html xmlns="a">', b"<body/></html>"),
        (b"", b"<header>no head"),
        (b"", b"<html no end"),
    ],
)
def test_the_tag_is_the_first_in_the_head(before: bytes, after: bytes) -> None:
    assert sent(before + after) == before + NOINDEX + after


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (f"{FOLDER}a.js", b"<head>"),
        ("index.html", b"<head>"),
        ("_preview/menu/index.html", b"<head>"),
        (f"{FOLDER}index.html", "<head>".encode("utf-16")),
    ],
)
def test_other_files_are_sent_as_they_are(name: str, body: bytes) -> None:
    assert sent(body, name) == body
