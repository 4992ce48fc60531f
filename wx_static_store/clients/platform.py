"""The calls about the platform itself: its environments, its quotas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..core.retry import Deadline
from ..core.secrets import Secret
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _
from .calls import CLOUD, Calls, odd

NORMAL = "NORMAL"


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


class PlatformClient(Calls):
    """Ask WeChat about the platform whose token it is."""

    def environments(self, token: Secret, *, deadline: Deadline) -> tuple[Environment, ...]:
        """Return the environments that the platform owns, in the order of WeChat's answer."""
        path = CLOUD + "describeenvs"
        return self._with_token(path, token, {}, _read_environments, deadline)

    def quota(self, token: Secret, path: str, *, deadline: Deadline) -> Quota:
        """Return the quota of the call at `path`; 76021 and 76022 mean that there is no figure."""
        members = {"cgi_path": path}
        return self._with_token("/cgi-bin/openapi/quota/get", token, members, _read_quota, deadline)


def _read_environments(answer: Any) -> tuple[Environment, ...] | WxStaticStoreError:
    """Read the list; none at all is an empty one."""
    rows = answer.get("info_list") or []
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        return odd("describeenvs", _("a list of another shape"))
    texts = ([str(row.get(name) or "") for name in ("env", "alias", "status")] for row in rows)
    return tuple(Environment(*row) for row in texts if row[0])


def _read_quota(answer: Any) -> Quota:
    """Read each number that there is; what is missing, null or no number is no figure."""
    quota, rate = answer.get("quota"), answer.get("rate_limit")
    daily = (_number(quota, name) for name in ("daily_limit", "used", "remain"))
    period = (_number(rate, name) for name in ("call_count", "refresh_second"))
    return Quota(*daily, *period)


def _number(members: Any, name: str) -> int:
    text = str(members.get(name)) if isinstance(members, dict) else ""
    return int(text) if re.fullmatch(r"\d{1,12}", text) else 0
