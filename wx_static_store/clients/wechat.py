"""The calls about static hosting and the platform's token: one exchange, judged by `errcode`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise

from ..causes import CAUSES, hint, of_errcode
from ..causes.wire import REDIRECT, of_status
from ..core.frames import clearing_frames
from ..core.retry import Deadline
from ..core.secrets import Secret, scrub
from ..core.types import RemoteFile, SignedLink, in_utc
from ..exceptions import ProtocolError, WxStaticStoreError, error_of
from ..i18n import gettext_lazy as _
from .links import is_site

if TYPE_CHECKING:
    from .transport import Reply, Transport

T = TypeVar("T")

ANSWER_LIMIT = 64 * 1024  # bytes; most answers are shorter than 2 KiB
LIST_LIMIT = 4 * 1024 * 1024  # bytes; a page of 1,000 entries is about 150 KB

CLOUD = "/componenttcb/"
FETCH = "/cgi-bin/component/api_component_token"
LINKS = CLOUD + "staticuploadfile"
LIST = CLOUD + "staticfilelist"
DESCRIBE = CLOUD + "describestaticstore"

_OWN = _("Set base_url to the address of the site, and ask WeChat about the answer.")
_MD5 = re.compile(r"[0-9a-f]{32}")
_moment = lru_cache(maxsize=256)(lambda text: in_utc(parse_datetime(text)))  # many share a second
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")
_LONG = {LIST, CLOUD + "describeenvs"}

_FAMILY = re.compile(r"^/(?:componenttcb|cgi-bin/component|cgi-bin/openapi)/")  # before a name
_RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")

# On the token call this number speaks of the appsecret, not of a token.
_ONLY_THERE = {("api_component_token", 40001): CAUSES["41004"]}

# Sees the path of a call, its answer that is not judged yet, and the headers; keeps no secret.
Witness = Callable[[str, dict[str, Any], Mapping[str, str]], None]


class Calls:
    """The base of all calls; a `witness` (the doctor) sees each answer that is a JSON object."""

    def __init__(self, transport: Transport, base_url: str, witness: Witness | None = None) -> None:
        self._transport = transport
        self.base_url: str = base_url.rstrip("/")
        self._witness = witness

    @clearing_frames
    def _call(
        self,
        path: str,
        token: Secret | None,
        members: Mapping[str, Any],
        read: Callable[[Any], T | WxStaticStoreError],
        deadline: Deadline,
    ) -> T:
        """Make a call, with the platform's token unless it asks for one; return its answer."""
        stage = "link" if token else "token"
        query = Secret("?access_token=" + quote(token.reveal(), safe="") if token else "")
        reply = self._transport.exchange(
            "POST",
            Secret(self.base_url + path + query.reveal()),
            stage=stage,
            deadline=deadline,
            headers={"Content-Type": "application/json"},
            # Real UTF-8, no escapes: some of WeChat's calls refuse them (40033).
            body=Secret(json.dumps(members, default=Secret.reveal, ensure_ascii=False)),
            limit=LIST_LIMIT if path in _LONG else ANSWER_LIMIT,
        )
        outcome = self._judge(path, reply, read)
        if isinstance(outcome, WxStaticStoreError):
            if outcome.errcode:
                env = str(members.get("env", ""))
                outcome.with_context(hint=hint(outcome.cause, outcome.errmsg, env))
            raise outcome.with_context(stage=stage)
        return outcome

    def _judge(
        self, path: str, reply: Reply, read: Callable[[Any], T | WxStaticStoreError]
    ) -> T | WxStaticStoreError:
        """Return the answer, or the error to raise: the frame that raises holds no answer."""
        name = _FAMILY.sub("", path)
        if reply.status != 200:
            return self._not_of_wechat(name, reply)
        try:
            # NaN and Infinity are no JSON: `int` refuses them.
            answer = json.loads(reply.body.decode("utf-8", "replace"), parse_constant=int)
        except (ValueError, RecursionError):
            if b"<html" in reply.body[:1024].lower():
                return self._not_of_wechat(name, reply)
            return odd(name, _("no JSON"), once=False)
        if self._witness and isinstance(answer, dict):
            self._witness(path, answer, reply.headers)
        errcode = _errcode(answer)
        if errcode is None:
            return odd(name, _("no whole number as errcode"), cause="ProtocolError", once=False)
        if errcode:
            return _refusal(name, errcode, answer)
        return read(answer)

    def _not_of_wechat(self, name: str, reply: Reply) -> WxStaticStoreError:
        """Return the error for the answer of whoever stands at the address in place of WeChat."""
        entry = of_status(reply.status)
        facts: dict[str, Any] = {"call": name, "address": self.base_url}
        text = _("%(call)s of %(address)s was not answered by WeChat itself", **facts)
        if entry is REDIRECT:
            facts["host"] = reply.redirect_host
            text = _("%(call)s of %(address)s was redirected to %(host)s", **facts)
        error = error_of(entry, text, http_status=reply.status)
        return error.with_context(pause=max(error.pause, reply.retry_after))


def odd(name: str, what: str | Promise, **details: Any) -> ProtocolError:
    """Return the error for an answer whose form differs from the documents."""
    defaults: dict[str, Any] = {"cause": "answer.odd", "once": True, "http_status": 200}
    text = _("%(call)s answered with %(what)s", call=name, what=what)
    return ProtocolError(text, **(defaults | details))


def _errcode(answer: Any) -> int | None:
    """Return the errcode, 0 if absent; a text of digits counts; all else is no errcode."""
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
    return error_of(
        _ONLY_THERE.get((name, errcode)) or of_errcode(errcode, text),
        _("%(call)s was refused", call=name),
        errcode=errcode,
        errmsg=text[:500].rstrip(),
        rid=rid.strip(),
        http_status=200,
    )


# --- the calls -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StaticStore:
    """The answer of `describestaticstore`; only the status ``online`` takes files."""

    domain: str
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


class WeChatClient(Calls):
    """One environment-free client: the token and the environment come with each call."""

    def upload_link(self, token: Secret, env: str, key: str, *, deadline: Deadline) -> SignedLink:
        """Return a link that takes one PUT of `key` within 60 seconds."""
        members = {"env": env, "filename": key}
        return self._call(LINKS, token, members, partial(_read_link, key=key), deadline)

    def list_page(
        self, token: Secret, env: str, prefix: str, marker: str = "", *, deadline: Deadline
    ) -> ListPage:
        """Return one page of the objects whose key starts with `prefix`, in UTF-8 order."""
        members = {"env": env, "prefix": prefix} | ({"marker": marker} if marker else {})
        return self._call(LIST, token, members, partial(_read_page, marker=marker), deadline)

    def describe(self, token: Secret, env: str, *, deadline: Deadline) -> StaticStore | None:
        """Return the environment's static hosting, None if it is not enabled."""
        read = partial(_read_store, api_url=self.base_url)
        return self._call(DESCRIBE, token, {"env": env}, read, deadline)

    @clearing_frames
    def component_token(
        self, appid: str, appsecret: Secret, ticket: Secret, *, deadline: Deadline
    ) -> FreshToken:
        """Fetch a new token for the whole platform; the old one ends within five minutes."""
        members: dict[str, str | Secret] = {
            "component_appid": appid,
            "component_appsecret": appsecret,
            "component_verify_ticket": ticket,
        }
        return self._call(FETCH, None, members, _read_token, deadline)


def _read_link(answer: Any, key: str) -> SignedLink | WxStaticStoreError:
    url, token = answer.get("signed_url"), answer.get("token")
    if not (isinstance(url, str) and url and isinstance(token, str)):
        return odd("staticuploadfile", _("no signed_url and token"))
    if not _PRINTABLE.fullmatch(token):
        return odd("staticuploadfile", _("a token that cannot be a header"))
    return SignedLink(key, Secret(url), Secret(token))


def _read_token(answer: Any) -> FreshToken | WxStaticStoreError:
    token, expires_in = answer.get("component_access_token"), answer.get("expires_in")
    if not (isinstance(token, str) and _PRINTABLE.fullmatch(token)):
        return odd("api_component_token", _("no usable token"))
    lifetime = int(expires_in) if re.fullmatch(r"\d{1,6}", str(expires_in)) else 7200
    return FreshToken(Secret(token), lifetime)


def _read_store(answer: Any, *, api_url: str) -> StaticStore | WxStaticStoreError | None:
    """Read each spelling: `Data` in samples, `data` in tables, `Domain` in the cloud."""
    stores = answer.get("data") or answer.get("Data")
    if not stores:
        return None
    if not (isinstance(stores, list) and isinstance(stores[0], dict)):
        return odd("describestaticstore", _("a list of another shape"))
    first = {str(name).lower(): str(value or "") for name, value in stores[0].items()}
    domain = first.get("domain", "")
    with suppress(UnicodeError):  # then it is no host name
        domain = domain.encode("idna").decode()
    if domain and not is_site(f"https://{domain}/", api_url):  # pages link there, we fetch there
        return odd("describestaticstore", _("a domain that is no public host name"), hint=_OWN)
    return StaticStore(domain, first.get("status", ""))


def _read_page(answer: Any, marker: str) -> ListPage | WxStaticStoreError:
    """Read a list; bear a marker that is included again, folder objects, a text as truth value."""
    contents = answer.get("contents") or []
    try:
        files = [_remote_file(entry) for entry in contents]
    except (TypeError, KeyError, ValueError, AttributeError):
        return odd("staticfilelist", _("contents of another shape"))
    last = files[-1].key if files else ""
    more = str(answer.get("is_truncated", False)).lower() == "true"
    # Half a list would look like a whole one.
    if more and last.encode() <= marker.encode():
        return odd("staticfilelist", _("a list that goes on, but without a further key"))
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
        last_modified=_moment(str(entry.get("last_modified"))),
    )
