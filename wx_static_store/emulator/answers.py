"""The answer of every listener, and the errors of WeChat and COS."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape  # it reads no XML  # nosec B406


@dataclass
class Answer:
    """An answer before it is on the wire. Status 0: nothing is to be answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    data: dict[str, object] | None = None  # WeChat's JSON object, rendered last
    stream: Iterable[bytes] | None = None  # instead of `body`, when it may be large
    length: int | None = None  # of `stream`; None: chunked
    close: bool = False  # the connection ends with this answer

    @property
    def errcode(self) -> int | None:
        """WeChat's verdict, if this is an answer of WeChat; absent counts as 0."""
        if self.data is None:
            return None
        code = self.data.get("errcode", 0)
        return code if isinstance(code, int) else None


def nothing() -> Answer:
    """Return the answer of faults that end the connection without one."""
    return Answer(0, close=True)


def rid(now: float) -> str:
    """Return one of WeChat's request ids; its first group is the time."""
    return f"{int(now):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def wechat_error(errcode: int, errmsg: str, now: float) -> Answer:
    """Return an error of the open platform: HTTP 200, with errcode, errmsg and a rid."""
    return Answer(data={"errcode": errcode, "errmsg": f"{errmsg} rid: {rid(now)}"})


def page(status: int, title: str) -> Answer:
    """Return a small HTML page, such as a proxy's error or the site's 404."""
    html = f"<html><head><title>{title}</title></head><body>{title}</body></html>\n"
    return Answer(status, {"Content-Type": "text/html"}, html.encode())


def cos_headers(now: float) -> dict[str, str]:
    """Return the headers that COS adds to every answer."""
    return {"x-cos-request-id": _request_id(now), "Server": "tencent-cos"}


def cos_error(
    status: int, code: str, message: str, resource: str, now: float, **more: str
) -> Answer:
    """Return an error of COS in XML; `more` stands between the message and the resource."""
    headers = cos_headers(now)
    trace = base64.b64encode(secrets.token_hex(24).encode()).decode()
    members = {"Code": code, "Message": message, **more, "Resource": resource}
    members |= {"RequestId": headers["x-cos-request-id"], "TraceId": trace}
    lines = [f"\t<{name}>{_text(value)}</{name}>\n" for name, value in members.items()]
    body = f"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n{''.join(lines)}</Error>\n"
    headers |= {"Content-Type": "application/xml", "x-cos-trace-id": trace}
    return Answer(status, headers, body.encode())


def iso_time(now: float, *, milliseconds: bool = False) -> str:
    """Print a time in UTC, as WeChat's lists and COS's errors do."""
    text = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (".000Z" if milliseconds else "Z")


def _request_id(now: float) -> str:
    groups = (secrets.token_hex(4), secrets.token_hex(2), secrets.token_hex(4))
    return base64.b64encode("_".join((f"{int(now):08x}", *groups)).encode()).decode()


def _text(value: str) -> str:
    # A key may hold control characters that XML has no way to write.
    printable = "".join(char if char >= " " or char in "\t\n\r" else "?" for char in value)
    return escape(printable)
