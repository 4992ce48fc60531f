"""Frozen values that travel between the layers, and the columns of the log."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import md5
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, TypeVar

from ..exceptions import WxStaticStoreError
from ..i18n import english, gettext_lazy as _
from .secrets import Secret

T = TypeVar("T")

LARGEST = 5 * 1024**3  # bytes that one PUT takes; multipart needs a key of the cloud

# `delete()` overwrites an object with these bytes, and they mean "not there": the API has no
# delete call, and what a user deletes must stop being public.
DELETED = b"this file was deleted\n"
DELETED_MD5 = md5(DELETED, usedforsecurity=False).hexdigest()

# What a file that is sent as gzip has besides: the second names the MD5 of the plain bytes.
ENCODING, PLAIN_MD5 = "Content-Encoding", "X-Cos-Meta-Plain-Md5"
_PACKED = re.compile(rf"(?ims)^{ENCODING}: (?:gzip\n.*?{PLAIN_MD5}: (\w+))?")

# Sources of rows: of a tree of files, and of what only repeats an earlier upload.
DEPLOYS = ("collectstatic", "wx_deploy", "wx_rollout", "admin_deploy")
LIST = "list"
IMPORT = "import"  # its `source_ref` is a mark of the file that was read
REPEATS = ("retry", "reconcile", LIST)


class UploadStatus(StrEnum):
    STORED = "stored"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the body was sent, the answer never came
    WAITING = "waiting"  # kept until the cloud is there; no row of the log says so


WAITS = _("The file is kept, and will be public once it is sent.")
NOT_STORED = (UploadStatus.FAILED.value, UploadStatus.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class UploadItem:
    """One file to send; an absent `content_type` or `cache_control` is chosen by name."""

    name: str
    # Called for each attempt: a body that was sent in part cannot be sent again.
    open: Callable[[], BinaryIO]
    size: int | None = None
    content_type: str | None = None
    md5: str | None = None
    # The name carries a digest of the content, so browsers may keep the file for ever.
    hashed: bool = False
    # What `open` returns is ours to close.
    close: bool = True
    cache_control: str | None = None
    other_headers: str = ""
    # What asked for this file, where the context does not name it.
    source_ref: str = ""
    sha256: str | None = None
    # Called with the bytes of the body that have gone, again and again while more are to go.
    sent: Callable[[int], object] | None = None
    # A moment of the wall clock, after which no link is asked for and no body begins: a process
    # that was stopped for long must not send what is old by then.
    until: float = math.inf


def deletion(name: str) -> UploadItem:
    """Return the item that replaces a file to be deleted."""
    return UploadItem(
        name, open=lambda: BytesIO(DELETED), content_type="text/plain", cache_control="no-store"
    )


@dataclass(frozen=True, slots=True)
class UploadContext:
    """Why a file is sent: the entry point it came through, and what asked for it there."""

    source: str
    source_ref: str = ""
    user_id: int | None = None
    deployment_id: int | None = None


@dataclass(frozen=True, slots=True)
class SignedLink:
    """Where one PUT may go within 60 seconds, and the token that its header carries."""

    key: str
    url: Secret
    token: Secret


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One object as a list shows it; `md5` is None where the list gives no bare MD5."""

    key: str
    size: int
    md5: str | None
    last_modified: datetime | None


def in_utc(moment: datetime | None) -> datetime | None:
    """Return a peer's time in UTC; None for years that some database or time zone cannot keep."""
    if moment is None or not 1970 <= moment.year < 9999:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ContentHeaders:
    """The headers that COS keeps with an object and the public site sends."""

    content_type: str
    cache_control: str
    other_headers: str = ""  # lines of "Name: value", by name

    @property
    def plain_md5(self) -> str | None:
        """The MD5 before a deploy made it gzip; empty if it is plain, None if a rule packed it."""
        found = _PACKED.search(self.other_headers)
        return found[1] if found else ""


NO_HEADERS = ContentHeaders("", "")


@dataclass(frozen=True, slots=True)
class UploadResult:
    """How one upload ended."""

    name: str
    key: str
    status: UploadStatus
    env: str = ""
    size: int | None = None
    md5: str = ""
    headers: ContentHeaders = NO_HEADERS
    verified: bool = False
    # The newest bytes of the file are stored, not those that the plan compared.
    changed: bool = False
    attempts: int = 0
    seconds: float = 0.0
    stage: str = ""
    # The last one of its attempts; None when it is stored.
    error: WxStaticStoreError | None = None
    errcode: int | None = None
    rid: str = ""
    request_id: str = ""
    stored_at: datetime | None = None  # by the clock of COS
    # How it is known that the file is stored, if its own answer did not show it.
    note: str = ""
    source_ref: str = ""  # of the item


def as_listed(env: str, name: str, file: RemoteFile, source_ref: str = "") -> UploadResult:
    """Return a result that says of the object what the cloud's list shows."""
    facts = (name, file.key, UploadStatus.STORED, env, file.size, file.md5 or "")
    at = file.last_modified
    return UploadResult(*facts, verified=True, stage="verify", stored_at=at, source_ref=source_ref)


# --- the columns of the log: rows, lines, export and API are made of this table -----------------

SHOWN, WITHHELD = True, False  # in the API, to uploaders who may not see the log


class Column(NamedTuple):
    name: str
    shown: bool
    fill: Callable[[UploadResult, UploadContext], Any]


def _message(result: UploadResult, _context: UploadContext) -> str:
    if error := result.error:  # without the hint: the admin shows that in the reader's language
        return ": ".join(filter(None, [english(error.message), error.errmsg]))
    return english(result.note) if result.note else ""


def _cause(result: UploadResult, _context: UploadContext) -> str:
    if result.status is UploadStatus.STORED:
        return ""
    return result.error.cause if result.error else "cloud"  # a list shows another object, or none


# Not in `models/`: without the app in INSTALLED_APPS there is no model, and still the logger.
# `id`, `key_digest`, `key_start` and `created` are not here: no upload knows them.
COLUMNS = (
    Column("env", SHOWN, lambda result, _: result.env),
    Column("key", SHOWN, lambda result, _: result.key),
    Column("name", SHOWN, lambda result, _: result.name),
    Column("status", SHOWN, lambda result, _: result.status.value),
    Column("stage", SHOWN, lambda result, _: result.stage),
    Column("cause", WITHHELD, _cause),
    Column("errcode", WITHHELD, lambda result, _: result.errcode),
    Column("message", WITHHELD, _message),
    Column("http_status", WITHHELD, lambda result, _: getattr(result.error, "http_status", None)),
    Column("cos_code", WITHHELD, lambda result, _: getattr(result.error, "cos_code", "")),
    Column("rid", WITHHELD, lambda result, _: result.rid),
    Column("request_id", WITHHELD, lambda result, _: result.request_id),
    Column("attempts", SHOWN, lambda result, _: result.attempts),
    Column("size", SHOWN, lambda result, _: result.size),
    Column("md5", SHOWN, lambda result, _: result.md5),
    Column("content_type", SHOWN, lambda result, _: result.headers.content_type),
    Column("cache_control", SHOWN, lambda result, _: result.headers.cache_control),
    Column("other_headers", SHOWN, lambda result, _: result.headers.other_headers),
    Column("duration_ms", SHOWN, lambda result, _: round(result.seconds * 1000)),
    Column("stored_at", SHOWN, lambda result, _: result.stored_at),
    Column("source", SHOWN, lambda _, context: context.source),
    Column("source_ref", SHOWN, lambda result, context: result.source_ref or context.source_ref),
    Column("user_id", SHOWN, lambda _, context: context.user_id),
    Column("deployment_id", SHOWN, lambda _, context: context.deployment_id),
)


def facts(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    """Return what row and line both say: a row can be made of a line."""
    return {column.name: column.fill(result, context) for column in COLUMNS}


@contextmanager
def during(variable: ContextVar[Any], value: T) -> Iterator[T]:
    """Let all that is called in the block find this value; Python can do it itself from 3.14 on."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)
