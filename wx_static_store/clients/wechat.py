"""The calls of the open platform: one exchange each, judged by `errcode`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise

from ..core.errcodes import ERRCODES, anchor, verdict_on
from ..core.frames import cleared_frames
from ..core.retry import Deadline
from ..core.secrets import Secret, scrub
from ..core.types import RemoteFile, SignedLink, in_utc
from ..exceptions import (
    ProtocolError,
    Remedy,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _, with_facts

if TYPE_CHECKING:
    from .transport import Reply, Transport

T = TypeVar("T")

ANSWER_LIMIT = 64 * 1024  # bytes; most answers are shorter than 2 KiB
LIST_LIMIT = 4 * 1024 * 1024  # bytes; a page of 1,000 entries is about 150 KB

_RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")

# On the token call this number speaks of the appsecret, not of a token.
_ONLY_THERE = {("api_component_token", 40001): ERRCODES[41004]}

_PROXY_PAGE = _(
    "A proxy or firewall answered in place of WeChat. Check HTTPS_PROXY and the firewall."
)


@dataclass(frozen=True, slots=True)
class StaticStore:
    """What `describestaticstore` says; only the status ``online`` takes files."""

    domain: str
    bucket: str
    region: str
    status: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """`marker` asks for the next page; None when this one is the last."""

    files: tuple[RemoteFile, ...]
    marker: str | None


@dataclass(frozen=True, slots=True)
class FreshToken:
    token: Secret
    expires_in: int  # seconds


class WeChatClient:
    """One environment-free client: the token and the environment come with each call."""

    def __init__(self, transport: Transport, base_url: str) -> None:
        self._transport = transport
        self.base_url = base_url.rstrip("/")

    def upload_link(self, token: Secret, env: str, key: str, *, deadline: Deadline) -> SignedLink:
        """Return a link that takes one PUT of `key` within 60 seconds."""
        members = {"env": env, "filename": key}
        return self._static_store(
            "staticuploadfile", token, members, lambda answer: _read_link(answer, key), deadline
        )

    def list_page(
        self, token: Secret, env: str, prefix: str, marker: str = "", *, deadline: Deadline
    ) -> ListPage:
        """Return one page of the objects whose key starts with `prefix`, in UTF-8 order."""
        members = {"env": env, "prefix": prefix} | ({"marker": marker} if marker else {})
        return self._static_store(
            "staticfilelist", token, members, lambda answer: _read_page(answer, marker), deadline
        )

    def describe(self, token: Secret, env: str, *, deadline: Deadline) -> StaticStore | None:
        """Return what the environment's static hosting is, None where it is not enabled."""
        return self._static_store("describestaticstore", token, {"env": env}, _read_store, deadline)

    @cleared_frames()
    def component_token(
        self, appid: str, appsecret: Secret, ticket: Secret, *, deadline: Deadline
    ) -> FreshToken:
        """Fetch a new token for the whole platform; the old one ends within five minutes."""
        members: dict[str, str | Secret] = {
            "component_appid": appid,
            "component_appsecret": appsecret,
            "component_verify_ticket": ticket,
        }
        path = "/cgi-bin/component/api_component_token"
        return self._call(path, "", members, _read_token, "token", deadline)

    @cleared_frames()
    def _static_store(
        self,
        name: str,
        token: Secret,
        members: Mapping[str, str],
        read: Callable[[Any], T | WxStaticStoreError],
        deadline: Deadline,
    ) -> T:
        query = Secret("?access_token=" + quote(token.reveal(), safe=""))
        return self._call("/componenttcb/" + name, query, members, read, "link", deadline)

    def _call(
        self,
        path: str,
        query: Secret | str,
        members: Mapping[str, str | Secret],
        read: Callable[[Any], T | WxStaticStoreError],
        stage: str,
        deadline: Deadline,
    ) -> T:
        reply = self._transport.exchange(
            "POST",
            Secret(self.base_url + path + _reveal(query)),
            stage=stage,
            deadline=deadline,
            headers={"Content-Type": "application/json"},
            # Real UTF-8, no escapes: some of WeChat's calls refuse them (40033).
            body=Secret(
                json.dumps({n: _reveal(value) for n, value in members.items()}, ensure_ascii=False)
            ),
            limit=LIST_LIMIT if path.endswith("staticfilelist") else ANSWER_LIMIT,
        )
        outcome = _judge(path.rsplit("/", 1)[1], reply, read)
        if isinstance(outcome, WxStaticStoreError):
            if outcome.errcode:
                env = str(members.get("env", ""))
                outcome.with_context(hint=with_facts(outcome.hint, outcome.errmsg, env))
            raise outcome.with_context(stage=stage)
        return outcome


def _reveal(value: Secret | str) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _judge(
    name: str, reply: Reply, read: Callable[[Any], T | WxStaticStoreError]
) -> T | WxStaticStoreError:
    """Return what the answer says, or the error it means: no frame that raises has seen it."""
    if reply.status != 200:
        error = _not_an_answer(name, reply.status)
        return error.with_context(pause=max(error.pause, reply.retry_after))
    try:
        answer = json.loads(reply.body.decode("utf-8", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        page = b"<html" in reply.body[:1024].lower()
        return _odd(name, _("no JSON"), hint=_PROXY_PAGE if page else "", once=page)
    errcode = _errcode(answer)
    if errcode is None:
        return _odd(name, _("no whole number as errcode"), remedy=Remedy.GIVE_UP)
    if errcode:
        return _refusal(name, errcode, answer)
    return read(answer)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _odd(name: str, what: str | Promise, **details: Any) -> ProtocolError:
    defaults: dict[str, Any] = {"remedy": Remedy.WAIT, "once": True, "http_status": 200}
    text = _("%(call)s answered with %(what)s", call=name, what=what)
    return ProtocolError(text, **(defaults | details))


def _not_an_answer(name: str, status: int) -> WxStaticStoreError:
    message = _("%(call)s was not answered by WeChat itself", call=name)
    if status == 429:
        return WeChatThrottled(message, http_status=status)
    if status >= 500:
        return WeChatBusy(message, http_status=status)
    return ProtocolError(message, http_status=status, hint=_PROXY_PAGE)


def _errcode(answer: Any) -> int | None:
    """Return 0 where it is absent; a text of digits counts; anything else is no errcode."""
    if not isinstance(answer, dict):
        return None
    value = answer.get("errcode", 0)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    return value if type(value) is int and abs(value) < 10**9 else None


def _refusal(name: str, errcode: int, answer: dict[str, Any]) -> WxStaticStoreError:
    errmsg = scrub(str(answer.get("errmsg", "")))
    text, _sep, rid = errmsg.rpartition("rid: ")
    if not _RID.fullmatch(rid.strip()):
        text, rid = errmsg, ""
    verdict = _ONLY_THERE.get((name, errcode)) or verdict_on(errcode, text)
    return verdict.build(
        _("%(call)s was refused", call=name),
        errcode=errcode,
        errmsg=text[:500].rstrip(),
        rid=rid.strip(),
        http_status=200,
        docs=anchor("errcode", errcode, ERRCODES),
    )


def _read_link(answer: Any, key: str) -> SignedLink | WxStaticStoreError:
    url, token = answer.get("signed_url"), answer.get("token")
    if not (isinstance(url, str) and url and isinstance(token, str)):
        return _odd("staticuploadfile", _("no signed_url and token"))
    if not _PRINTABLE.fullmatch(token):
        return _odd("staticuploadfile", _("a token that cannot be a header"))
    return SignedLink(key, Secret(url), Secret(token))


def _read_token(answer: Any) -> FreshToken | WxStaticStoreError:
    token, expires_in = answer.get("component_access_token"), answer.get("expires_in")
    if not (isinstance(token, str) and _PRINTABLE.fullmatch(token)):
        return _odd("api_component_token", _("no usable token"))
    lifetime = int(expires_in) if re.fullmatch(r"\d{1,6}", str(expires_in)) else 7200
    return FreshToken(Secret(token), lifetime)


def _read_store(answer: Any) -> StaticStore | WxStaticStoreError | None:
    """Read each spelling: `Data`, `regoin` in samples, `data` in tables, `Region` in the cloud."""
    stores = answer.get("data") or answer.get("Data")
    if not stores:
        return None
    if not (isinstance(stores, list) and isinstance(stores[0], dict)):
        return _odd("describestaticstore", _("a list of another shape"))
    first = {str(name).lower(): str(value or "") for name, value in stores[0].items()}
    region = first.get("regoin") or first.get("region", "")
    return StaticStore(
        first.get("domain", ""), first.get("bucket", ""), region, first.get("status", "")
    )


def _read_page(answer: Any, marker: str) -> ListPage | WxStaticStoreError:
    """
    Read a list; tolerate a marker that is included again, folder objects, a text as truth value.

    Refuse a list that goes on but gives no further key: half a list looks like a whole one.
    """
    contents = answer.get("contents") or []
    try:
        files = [_remote_file(entry) for entry in contents]
    except (TypeError, KeyError, ValueError, AttributeError):
        return _odd("staticfilelist", _("contents of another shape"))
    last = files[-1].key if files else ""
    more = str(answer.get("is_truncated", False)).lower() == "true"
    if more and last.encode() <= marker.encode():
        return _odd("staticfilelist", _("a list that goes on, but without a further key"))
    wanted = tuple(f for f in files if f.key != marker and not f.key.endswith("/"))
    return ListPage(wanted, last if more else None)


def _remote_file(entry: dict[str, Any]) -> RemoteFile:
    """Read an entry; a tag with a suffix is no MD5 of the bytes."""
    md5 = str(entry.get("md5") or "").strip('"').lower()
    entry["key"].encode()  # fails for what is no text, or none that UTF-8 can hold
    return RemoteFile(
        key=entry["key"],
        size=int(str(entry["size"])),
        md5=md5 if _MD5.fullmatch(md5) else None,
        last_modified=in_utc(parse_datetime(str(entry.get("last_modified")))),
    )
