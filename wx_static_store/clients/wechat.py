"""The calls about static hosting and the platform's token: one exchange each."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.dateparse import parse_datetime

from ..core.frames import cleared_frames
from ..core.retry import Deadline
from ..core.secrets import Secret
from ..core.types import RemoteFile, SignedLink, in_utc
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _
from .calls import CLOUD, Calls, odd
from .links import is_site

FETCH = "/cgi-bin/component/api_component_token"
LINKS = CLOUD + "staticuploadfile"
LIST = CLOUD + "staticfilelist"
DESCRIBE = CLOUD + "describestaticstore"

_OWN = _("Set base_url to the address of the site, and ask WeChat about the answer.")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True, slots=True)
class StaticStore:
    """The answer of `describestaticstore`; only the status ``online`` takes files."""

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


class WeChatClient(Calls):
    """One environment-free client: the token and the environment come with each call."""

    def upload_link(self, token: Secret, env: str, key: str, *, deadline: Deadline) -> SignedLink:
        """Return a link that takes one PUT of `key` within 60 seconds."""
        members = {"env": env, "filename": key}
        return self._with_token(
            LINKS, token, members, lambda answer: _read_link(answer, key), deadline
        )

    def list_page(
        self, token: Secret, env: str, prefix: str, marker: str = "", *, deadline: Deadline
    ) -> ListPage:
        """Return one page of the objects whose key starts with `prefix`, in UTF-8 order."""
        members = {"env": env, "prefix": prefix} | ({"marker": marker} if marker else {})
        return self._with_token(
            LIST, token, members, lambda answer: _read_page(answer, marker), deadline
        )

    def describe(self, token: Secret, env: str, *, deadline: Deadline) -> StaticStore | None:
        """Return the environment's static hosting, None if it is not enabled."""
        read = partial(_read_store, api_url=self.base_url)
        return self._with_token(DESCRIBE, token, {"env": env}, read, deadline)

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
        return self._call(FETCH, "", members, _read_token, "token", deadline)


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
    """Read each spelling: `Data`, `regoin` in samples, `data` in tables, `Region` in the cloud."""
    stores = answer.get("data") or answer.get("Data")
    if not stores:
        return None
    if not (isinstance(stores, list) and isinstance(stores[0], dict)):
        return odd("describestaticstore", _("a list of another shape"))
    first = {str(name).lower(): str(value or "") for name, value in stores[0].items()}
    region, domain = first.get("regoin") or first.get("region", ""), first.get("domain", "")
    with suppress(UnicodeError):  # then it is no host name
        domain = domain.encode("idna").decode()
    if domain and not is_site(f"https://{domain}/", api_url):  # pages link there, we fetch there
        return odd("describestaticstore", _("a domain that is no public host name"), hint=_OWN)
    return StaticStore(domain, first.get("bucket", ""), region, first.get("status", ""))


def _read_page(answer: Any, marker: str) -> ListPage | WxStaticStoreError:
    """
    Read a list; tolerate a marker that is included again, folder objects, a text as truth value.

    Refuse a list that goes on but gives no further key: half a list looks like a whole one.
    """
    contents = answer.get("contents") or []
    try:
        files = [_remote_file(entry) for entry in contents]
    except (TypeError, KeyError, ValueError, AttributeError):
        return odd("staticfilelist", _("contents of another shape"))
    last = files[-1].key if files else ""
    more = str(answer.get("is_truncated", False)).lower() == "true"
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
        last_modified=in_utc(parse_datetime(str(entry.get("last_modified")))),
    )
