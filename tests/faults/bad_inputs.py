"""
The rows B1-B47 of the bad inputs, as data: names, contents, settings.

Which names are refused where: `save()`, `collectstatic` and deploys take whatever a real build
produces, quoted once; people at the API and the admin are held to narrower rules.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile, File

NOT_HERE = {
    "B10": "the limit of a path segment is for people: the API and the admin",
    "B22": "protected names are a policy of the API and the admin",
    "B23": "of a lazy text: Django's own save() takes none, tests/core/test_naming.py converts it",
    "B27": "tests/test_memory.py sends the large file and measures",
    "B28": "5 GB, tests/upload/test_uploader.py; smaller limits are the policy of API and admin",
    "B36": "one file object in two threads is documented: each thread opens its own",
    "B43": "the AES key is a setting of the callback: tests/callback/test_checks.py",
}

IGNORED = "ignored"  # by Django's own patterns: collectstatic does not see it
NO_DISK = "no file of this name can be on a disk"


@dataclass(frozen=True)
class Name:
    id: str
    name: str
    accepted: bool
    collected: str = ""  # else as `accepted`
    saved: str = ""  # the legal name that Django's `save()` makes of it before it asks us


def _names(row: str, accepted: bool, *names: str, collected: str = "") -> tuple[Name, ...]:
    return tuple(Name(f"{row}-{n}", name, accepted, collected) for n, name in enumerate(names, 1))


REFUSED, ACCEPTED = False, True

NAMES: tuple[Name, ...] = (
    *_names("B01", REFUSED, "..", ".", "", collected=NO_DISK),
    *_names("B01-spaces", REFUSED, "   "),
    *_names("B02", REFUSED, "../a", "a/../b", "a/..", "../../etc/passwd", collected=NO_DISK),
    *_names("B03", REFUSED, "/etc/passwd", "//host/a", collected=NO_DISK),
    *_names("B04", REFUSED, "a\\..\\b"),
    Name("B04-drive", "C:\\x", REFUSED, saved="C:/x"),
    Name("B04-backslash", "a\\b.txt", REFUSED, saved="a/b.txt"),
    *_names("B04-colon", ACCEPTED, "C:/x", "a:b"),
    *_names("B05", REFUSED, "a\0b.txt", collected=NO_DISK),
    *_names("B06", REFUSED, "a\rb", "a\nb", "a\tb", "a\x1b[31mb", "a\x7fb", "a\x85b"),
    *_names("B07", REFUSED, "a\u202etxt.exe", "a\u2066b", "a\u200fb", "a\u2028b", "a\u2029b"),
    *_names("B07-zero-width", ACCEPTED, "a\u200bb", "a\ufeffb"),
    *_names("B08", REFUSED, "a\udcffb.txt"),
    *_names("B09", ACCEPTED, "/".join(["d" * 200] * 4 + ["x" * 46])),
    *_names("B09-851", REFUSED, "/".join(["d" * 200] * 4 + ["x" * 47]), "/".join(["汉" * 71] * 4)),
    *_names("B09-one-segment", ACCEPTED, "x" * 850, collected=NO_DISK),
    *_names("B11", ACCEPTED, "cafe\u0301.txt"),
    *_names("B13", ACCEPTED, "😀.txt", "文档/说明.txt", "ملف.txt"),
    *_names("B14", ACCEPTED, "a b.txt"),
    *_names("B15", ACCEPTED, "a+b.txt", "a&b", "a=b", "a;b", "a,b", "a@b", "a$b"),
    *_names("B16", ACCEPTED, "a%20b", "100%.txt", "%2e%2e/x", "%00"),
    *_names("B17", ACCEPTED, "a#b", "a?b"),
    *_names("B18", ACCEPTED, *(f"a{char}b" for char in "`^\"{}[]|<>~*'!()"), "[id].js"),
    # The table refuses these; the head of the page does not: a build may produce them.
    *_names("B19", ACCEPTED, "a.", "a ", " a"),
    *_names("B20", REFUSED, "a//b", "./a", "a/./b", "a/", collected=NO_DISK),
    *_names("B21", ACCEPTED, ".env", ".git/config", ".htpasswd", collected=IGNORED),
)


@dataclass(frozen=True)
class Content:
    id: str
    make: Callable[[], Any]
    stored: bytes | None  # None: refused, as a SourceError


class Reading:
    """A file whose `read` answers as its test says."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self._answer = answer

    def read(self, size: int = -1) -> Any:
        return self._answer(size)

    def seek(self, position: int, whence: int = 0) -> int:
        return 5 if whence == os.SEEK_END else position

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def _fails(size: int) -> bytes:
    raise RuntimeError("the disk is on fire")


def _pipe() -> Any:
    out, into = os.pipe()
    os.write(into, b"through a pipe")
    os.close(into)
    return os.fdopen(out, "rb")


def _at(position: int, content: bytes = b"0123456789") -> io.BytesIO:
    file = io.BytesIO(content)
    file.seek(position)
    return file


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def _lying(size: object) -> Any:
    file: Any = File(io.BytesIO(b"0123456789"), "a.bin")
    file.size = size
    return file


def _whole(content: bytes) -> Callable[[], Any]:
    return lambda: io.BytesIO(content)


_BLOCK = 256 * 1024  # what is read at once
_TEXT = "文字 text"

CONTENTS: tuple[Content, ...] = (
    Content("B25", _whole(b""), b""),
    Content("B25-text", lambda: io.StringIO(""), b""),
    Content("B26-byte", _whole(b"x"), b"x"),
    *(
        Content(f"B26-block{more:+}", _whole(b"x" * (_BLOCK + more)), b"x" * (_BLOCK + more))
        for more in (-1, 0, 1)
    ),
    Content("B29-stringio", lambda: io.StringIO(_TEXT), _TEXT.encode()),
    Content("B29-str", lambda: ContentFile(_TEXT), _TEXT.encode()),
    Content(
        "B29-text-mode",
        lambda: io.TextIOWrapper(io.BytesIO(_TEXT.encode()), "utf-8"),
        _TEXT.encode(),
    ),
    Content("B29-surrogate", lambda: io.StringIO("\udcff"), None),
    Content("B30", _pipe, b"through a pipe"),
    Content("B31-end", lambda: _at(10), b"0123456789"),
    Content("B31-half", lambda: _at(5), b"0123456789"),
    Content("B32", _closed, None),
    Content("B34-none", lambda: Reading(lambda size: None), None),
    Content("B34-str-later", lambda: Reading(lambda size: b"" if size == 0 else "text"), None),
    Content("B34-more", lambda: Reading(lambda size: b"" if size == 0 else b"x" * 10**6), None),
    Content("B34-raises", lambda: Reading(_fails), None),
    *(Content(f"B35-{size}", lambda size=size: _lying(size), b"0123456789")  # type: ignore[misc]
      for size in (3, 10**9, -1, None, "10")),
)  # fmt: skip


@dataclass(frozen=True)
class Mistake:
    id: str
    setting: str
    value: object
    says: str
    row: bool = False  # whether the upload got so far that a row tells of it


def _mistakes(row: str, setting: str, says: str, *values: object) -> tuple[Mistake, ...]:
    return tuple(Mistake(f"{row}-{setting}-{n}", setting, v, says) for n, v in enumerate(values, 1))


SETTINGS: tuple[Mistake, ...] = (
    Mistake("B38-env", "ENV", None, 'WX_STATIC_STORE["ENV"]'),
    Mistake("B38-token", "ACCESS_TOKEN", None, "COMPONENT_APPID", row=True),
    *_mistakes("B39", "COMPONENT_APPSECERT", "Did you mean COMPONENT_APPSECRET?", "planted-secret"),
    *_mistakes("B39", "MAX_ATEMPTS", "Did you mean MAX_ATTEMPTS?", 3),
    *_mistakes("B40", "MAX_ATTEMPTS", "MAX_ATTEMPTS", "4", True, -1, 0, 2.5, 10**6),
    *_mistakes("B40", "READ_TIMEOUT", "READ_TIMEOUT", "4", True, -1, 0, float("nan"), float("inf")),
    *_mistakes("B40", "MAX_WORKERS", "MAX_WORKERS", "many", [], {}),
    *_mistakes("B41", "API_BASE_URL", "https", "http://api.weixin.qq.com", "http://10.0.0.1:80"),
    *_mistakes("B41", "API_BASE_URL-odd", "API_BASE_URL"),
    *_mistakes("B42", "ENV", "ENV", "a b", "a/b", "a\rb", "x" * 200, "", 5, "环境"),
    *_mistakes("B44", "VERIFY", "'VERIFY'", False),
    *_mistakes("B45", "LOCATION", "LOCATION", "../x", "/x", "a/../b", "a\\b", "a//b", 5),
    *_mistakes("B46", "UPLOAD_HOSTS", "UPLOAD_HOSTS", ["*"], ["*.com"], [".com"], ["com"], "x", []),
)
