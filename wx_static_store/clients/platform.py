"""The calls about the platform itself: its environments, its quotas, its refused calls."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from ..core.redaction import redacted_json, redacted_url
from ..core.retry import Deadline
from ..core.secrets import Secret
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _
from .wechat import CLOUD, Calls, odd

NORMAL = "NORMAL"
QUOTA = "/cgi-bin/openapi/quota/get"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that the platform owns; only the status ``NORMAL`` can be used."""

    env: str
    alias: str
    status: str


@dataclass(frozen=True, slots=True)
class Quota:
    """How often a call may be made; 0 is no figure (open-platform-more.md, 3.1)."""

    daily_limit: int = 0
    used: int = 0
    remain: int = 0
    calls: int = 0  # in each period
    seconds: int = 0  # of the period


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that WeChat refused, with WeChat's answer, without secrets."""

    time: datetime | None  # in UTC; None where WeChat names none
    cost_ms: int  # how long WeChat took
    client_ip: str  # from where the call came, as WeChat saw it
    request_url: str  # its path, if WeChat names it, and the names of its parameters
    request_body: str | int  # JSON; of what is no JSON, the length
    response_body: str | int


class PlatformClient(Calls):
    """Ask WeChat about the platform whose token it is."""

    def environments(self, token: Secret, *, deadline: Deadline) -> tuple[Environment, ...]:
        """Return the environments that the platform owns, in the order of WeChat's answer."""
        return self._call(CLOUD + "describeenvs", token, {}, _read_environments, deadline)

    def shared_with(
        self, token: Secret, appids: Sequence[str], *, typed: bool, deadline: Deadline
    ) -> dict[str, tuple[str, ...]]:
        """Return the environments that are shared with accounts, by appids that WeChat knows."""
        # The documents disagree about the type of cloud development (open-platform-more.md, 2.1).
        members = {"appids": [*appids]} | ({"source_type": 0} if typed else {})
        return self._call(CLOUD + "batchgetenvid", token, members, _read_shares, deadline)

    def quota(self, token: Secret, path: str, *, deadline: Deadline) -> Quota:
        """Return the quota of the call at `path`; 76021 and 76022 mean that there is no figure."""
        return self._call(QUOTA, token, {"cgi_path": path}, _read_quota, deadline)

    def refused_call(self, token: Secret, rid: str, *, deadline: Deadline) -> RefusedCall:
        """Return the refused call with this rid as WeChat kept it, without its secrets."""
        path, members = "/cgi-bin/openapi/rid/get", {"rid": rid}
        return self._call(path, token, members, _read_refused_call, deadline)


def _read_environments(answer: Any) -> tuple[Environment, ...] | WxStaticStoreError:
    """Read the list of environments; a missing list counts as empty."""
    rows = answer.get("info_list") or []
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        return odd("describeenvs", _("a list of another shape"))
    texts = ([str(row.get(name) or "") for name in ("env", "alias", "status")] for row in rows)
    return tuple(Environment(*row) for row in texts if row[0])


def _read_shares(answer: Any) -> dict[str, tuple[str, ...]] | WxStaticStoreError:
    """Read the relations; an account that WeChat does not know is in another list."""
    rows = answer.get("relation_data") or []
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        return odd("batchgetenvid", _("a list of another shape"))
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        envs = row.get("env_list") or []
        if not isinstance(envs, list):
            return odd("batchgetenvid", _("a list of another shape"))
        appid = str(row.get("appid") or "")
        found[appid] = (*found.get(appid, ()), *map(str, envs))
    return found


def _read_quota(answer: Any) -> Quota:
    """Read the quota; a value that is missing, null or no number is no figure."""
    quota, rate = answer.get("quota"), answer.get("rate_limit")
    daily = (_number(quota, name) for name in ("daily_limit", "used", "remain"))
    period = (_number(rate, name) for name in ("call_count", "refresh_second"))
    return Quota(*daily, *period)


def _read_refused_call(answer: Any) -> RefusedCall | WxStaticStoreError:
    """Read the call; its token, signed links and secrets end here (open-platform-more.md, 3.2)."""
    call = answer.get("request")
    if not isinstance(call, dict):
        return odd("rid/get", _("no request"))
    seconds, client_ip = _number(call, "invoke_time"), ""
    with suppress(ValueError):  # none, or none that anybody could look up
        client_ip = str(ip_address(str(call.get("client_ip")).partition("%")[0]))
    return RefusedCall(
        time=datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 10**11 else None,
        cost_ms=_number(call, "cost_in_ms"),
        client_ip=client_ip,
        request_url=redacted_url(str(call.get("request_url") or "")),
        request_body=redacted_json(call.get("request_body") or ""),
        response_body=redacted_json(call.get("response_body") or ""),
    )


def _number(members: Any, name: str) -> int:
    text = str(members.get(name)) if isinstance(members, dict) else ""
    return int(text) if re.fullmatch(r"\d{1,12}", text) else 0
