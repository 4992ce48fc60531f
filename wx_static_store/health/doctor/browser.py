"""Whether a browser may PUT to the bucket: the CORS preflight, which needs no signature."""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...causes import CAUSES
from ...causes.wire import of_status
from ...core.retry import Deadline
from ...core.secrets import Secret
from ...core.types import SignedLink
from ...exceptions import DeadlineExceeded, TransportError, WeChatThrottled, WxStaticStoreError
from ...i18n import gettext_lazy as _, listed
from .facts import said
from .findings import Finding, of_error, ok, warning, wrong
from .quota import of_call
from .target import FOLDER, CheckTarget

if TYPE_CHECKING:
    from ...clients.transport import Transport

METHOD = "PUT"
HEADERS = ("content-type", "x-cos-security-token")  # of a browser's PUT
# Any path of the bucket will do: nothing is asked for.
_PROBE = "doctor-probe"
_ORIGIN = "https://site.example"
# The rules of one platform are alike, and each look costs a call.
MOST = 5

_COMPLETE = _(
    "Uploads through this server do not need the rule. For uploads by browsers, add what is "
    "missing in the CloudBase console."
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The answer of a bucket to a browser that asks whether it may PUT."""

    status: int
    # A proxy on the way may answer in place of COS.
    from_cos: bool
    code: str = ""  # of the XML error of COS
    lacking: tuple[str, ...] = ()  # names that the rule lacks for a browser

    @property
    def allows(self) -> bool:
        return self.from_cos and self.status == 200 and not self.lacking


def preflight(transport: Transport, link: SignedLink, *, deadline: Deadline) -> Preflight:
    # Only the host of the link counts: a preflight carries no signature.
    parts = urlsplit(link.url.reveal())
    reply = transport.exchange(
        "OPTIONS",
        Secret(f"{parts.scheme}://{parts.netloc}/{_PROBE}"),
        stage="put",
        deadline=deadline,
        headers={
            "Origin": _ORIGIN,
            "Access-Control-Request-Method": METHOD,
            "Access-Control-Request-Headers": ",".join(HEADERS),
        },
        key=_PROBE,
    )
    found = re.search(rb"<Code>([A-Za-z]{1,60})</Code>", reply.body)
    code = found[1].decode() if found else ""
    from_cos = "x-cos-request-id" in reply.headers
    lacking = tuple(_lacking(reply.headers)) if reply.status == 200 else ()
    return Preflight(reply.status, from_cos, code, lacking)


def _lacking(headers: Mapping[str, str]) -> list[str]:
    """Return the names that the rule lacks, spelled as a browser spells them."""
    lists = (
        headers.get(f"Access-Control-Allow-{of}", "") for of in ("Origin", "Methods", "Headers")
    )
    origins, methods, names = ({name.strip().lower() for name in each.split(",")} for each in lists)
    missing = [] if origins & {"*", _ORIGIN} else ["Origin"]
    missing += [] if METHOD.lower() in methods else [METHOD]
    return missing + [name for name in HEADERS if not names & {"*", name}]


def check_cors(target: CheckTarget) -> Iterator[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for env in target.usable_envs[:MOST]:
        try:
            answer = _answer(target, env)
        except WeChatThrottled as error:
            yield of_call(error, target)
            break
        except (TransportError, DeadlineExceeded) as error:
            yield of_error(error)
            # The others are at the same host, or no time is left.
            break
        except WxStaticStoreError as error:
            yield of_error(error)
            continue
        if answer.allows or (answer.from_cos and answer.code == "AccessForbidden"):
            alike["on" if answer.allows else "off"].append(env)
        else:
            yield _not_well(env, answer)
    for cors, envs in alike.items():
        yield ok(said({"cors": cors}), data={"envs": envs})


def _answer(target: CheckTarget, env: str) -> Preflight:
    # The link is for its host only: it is not used, so nothing is written.
    key = target.store(env).options.location + FOLDER + secrets.token_hex(8)
    link = target.ask(target.wechat.upload_link, env, key, env=env)
    answer = preflight(target.platform.transport, link, deadline=target.deadline())
    if answer.from_cos:
        parts = urlsplit(link.url.reveal())
        target.buckets.add(f"{parts.scheme}://{parts.netloc}")
        if answer.status == 200:
            target.learned[env]["cors"] = "on"
        elif answer.code == "AccessForbidden":
            target.learned[env]["cors"] = "off"
    return answer


def _not_well(env: str, answer: Preflight) -> Finding:
    facts = {"env": env, "status": answer.status, "code": answer.code}
    if not answer.from_cos:
        text = _("A proxy answered for the bucket of %(env)s (HTTP %(status)d), not COS.", **facts)
        return wrong(text, cause=of_status(answer.status).id, data=facts)
    if answer.lacking:
        names = listed(answer.lacking)
        text = _("The CORS rule of %(env)s does not name %(names)s.", env=env, names=names)
        return warning(text, hint=_COMPLETE, data=facts | {"lacking": [*answer.lacking]})
    text = _("COS answered for the bucket of %(env)s: %(status)d %(code)s.", **facts)
    if entry := CAUSES.get(answer.code):
        return wrong(text, cause=entry.id, data=facts)
    return (wrong if answer.status < 500 else warning)(text, data=facts)
