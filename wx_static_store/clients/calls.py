"""One call of the open platform: one exchange, judged by its `errcode`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from django.utils.functional import Promise

from ..core.errcodes import ERRCODES, anchor, verdict_on
from ..core.frames import cleared_frames
from ..core.retry import Deadline
from ..core.secrets import Secret, scrub
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

CLOUD = "/componenttcb/"
_LONG = {CLOUD + "staticfilelist", CLOUD + "describeenvs"}

_FAMILY = re.compile(r"^/(?:componenttcb|cgi-bin/component|cgi-bin/openapi)/")  # before a name
_RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")

# On the token call this number speaks of the appsecret, not of a token.
_ONLY_THERE = {("api_component_token", 40001): ERRCODES[41004]}

_PROXY_PAGE = _(
    "A proxy or firewall answered in place of WeChat. Check HTTPS_PROXY and the firewall."
)

# Sees the path of a call, its answer that is not judged yet, and the headers; keeps no secret.
Witness = Callable[[str, dict[str, Any], Mapping[str, str]], None]


class Calls:
    """
    The base of all calls; `base_url` is the address of the open platform.

    A `witness` sees each answer that is a JSON object: the doctor learns from its form.
    """

    def __init__(self, transport: Transport, base_url: str, witness: Witness | None = None) -> None:
        self._transport = transport
        self.base_url = base_url.rstrip("/")
        self._witness = witness

    @cleared_frames()
    def _with_token(
        self,
        path: str,
        token: Secret,
        members: Mapping[str, Any],
        read: Callable[[Any], T | WxStaticStoreError],
        deadline: Deadline,
    ) -> T:
        """Make a call that takes the platform's token; return its answer."""
        query = Secret("?access_token=" + quote(token.reveal(), safe=""))
        return self._call(path, query, members, read, "link", deadline)

    def _call(
        self,
        path: str,
        query: Secret | str,
        members: Mapping[str, Any],
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
            limit=LIST_LIMIT if path in _LONG else ANSWER_LIMIT,
        )
        outcome = self._judge(path, reply, read)
        if isinstance(outcome, WxStaticStoreError):
            if outcome.errcode:
                env = str(members.get("env", ""))
                outcome.with_context(hint=with_facts(outcome.hint, outcome.errmsg, env))
            raise outcome.with_context(stage=stage)
        return outcome

    def _judge(
        self, path: str, reply: Reply, read: Callable[[Any], T | WxStaticStoreError]
    ) -> T | WxStaticStoreError:
        """Return the answer, or the error to raise: the frame that raises holds no answer."""
        name = _FAMILY.sub("", path)
        if reply.status != 200:
            error = _not_an_answer(name, reply.status)
            return error.with_context(pause=max(error.pause, reply.retry_after))
        try:
            # NaN and Infinity are no JSON: `int` refuses them.
            answer = json.loads(reply.body.decode("utf-8", "replace"), parse_constant=int)
        except (ValueError, RecursionError):
            page = b"<html" in reply.body[:1024].lower()
            return odd(name, _("no JSON"), hint=_PROXY_PAGE if page else "", once=page)
        if self._witness and isinstance(answer, dict):
            self._witness(path, answer, reply.headers)
        errcode = _errcode(answer)
        if errcode is None:
            return odd(name, _("no whole number as errcode"), remedy=Remedy.GIVE_UP)
        if errcode:
            return _refusal(name, errcode, answer)
        return read(answer)


def _reveal(value: Secret | str) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def odd(name: str, what: str | Promise, **details: Any) -> ProtocolError:
    """Return the error for an answer whose form differs from the documents."""
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
    verdict = _ONLY_THERE.get((name, errcode)) or verdict_on(errcode, text)
    return verdict.build(
        _("%(call)s was refused", call=name),
        errcode=errcode,
        errmsg=text[:500].rstrip(),
        rid=rid.strip(),
        http_status=200,
        docs=anchor("errcode", errcode, ERRCODES),
    )
