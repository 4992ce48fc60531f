"""
The robot of a WeCom group, which takes messages at an address with a key in it.

Its address is ``https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…``; a text has at most 2,048
bytes, and a robot takes 20 messages a minute.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..core.frames import cleared_frames
from ..core.secrets import Secret
from ..exceptions import ProtocolError, WeChatRefused
from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from ..core.retry import Deadline
    from .transport import Transport

LONGEST = 2048  # bytes of UTF-8

_CHECK = _("Compare ALERT_WECOM_URL with the webhook of the robot in its group.")


@cleared_frames()
def send_text(transport: Transport, address: Secret, text: str, deadline: Deadline) -> None:
    """Send a text, cut at 2,048 bytes; raise a WxStaticStoreError unless the robot took it."""
    content = text.encode()[:LONGEST].decode("utf-8", "ignore")
    message = {"msgtype": "text", "text": {"content": content}}
    reply = transport.exchange(
        "POST",
        address,
        stage="alert",
        deadline=deadline,
        headers={"Content-Type": "application/json"},
        body=json.dumps(message, ensure_ascii=False).encode(),
    )
    errcode = _errcode(reply.body) if reply.status == 200 else None
    if errcode is None:
        what = _("The WeCom robot gave no errcode (HTTP %(status)d)", status=reply.status)
        raise ProtocolError(what, http_status=reply.status)
    if errcode:
        what = _("The WeCom robot refused the message")
        raise WeChatRefused(what, errcode=errcode, hint=_CHECK)


def _errcode(body: bytes) -> int | None:
    try:
        found = json.loads(body)["errcode"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, int) else None
