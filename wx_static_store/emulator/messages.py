"""What a push says: a new verify ticket, or what became of an account's authorization."""

from __future__ import annotations

import secrets
from typing import Any

from .quirks import BadInput, unknown

TICKET, WITHDRAWN = "component_verify_ticket", "unauthorized"
KINDS = (TICKET, "authorized", "updateauthorized", WITHDRAWN)
_CODE_SECONDS = 600  # life of an authorization code


def check_kind(kind: str, appid: str) -> None:
    """Refuse an unknown kind, or one that lacks the account that it is about."""
    if kind not in KINDS:
        raise unknown("kind of push", kind, list(KINDS))
    if kind != TICKET and not appid:
        raise BadInput("a push {kind!r} is about an account: give its appid", kind=kind)


def compose(kind: str, platform: str, created: int, *, ticket: str, appid: str) -> dict[str, Any]:
    """Return the fields of a message, in the order of the documents."""
    fields = {"AppId": platform, "CreateTime": created, "InfoType": kind}
    if kind == TICKET:
        return {**fields, "ComponentVerifyTicket": ticket}
    fields["AuthorizerAppid"] = appid
    if kind == WITHDRAWN:
        return fields
    return {
        **fields,
        "AuthorizationCode": f"queryauthcode@@@emulator-{secrets.token_urlsafe(24)}",
        "AuthorizationCodeExpiredTime": created + _CODE_SECONDS,
        "PreAuthCode": f"preauthcode@@@emulator-{secrets.token_urlsafe(24)}",
    }
