"""The CORS preflight of a browser, which needs no signature and sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..core.retry import Deadline
from ..core.secrets import Secret
from ..core.types import SignedLink

if TYPE_CHECKING:
    from .transport import Reply, Transport

METHOD = "PUT"
HEADERS = ("content-type", "x-cos-security-token")  # of a browser's PUT
_PROBE = "doctor-probe"  # any path of the bucket will do: nothing is asked for
_ORIGIN = "https://site.example"


@dataclass(frozen=True, slots=True)
class Preflight:
    """
    The answer of a bucket to a browser that asks whether it may PUT.

    `lacking` are the names that the rule lacks for a browser; `from_cos` is False where a proxy
    answered, `code` is that of the XML error of COS.
    """

    status: int
    from_cos: bool
    code: str = ""
    lacking: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def allows(self) -> bool:
        return self.from_cos and self.status == 200 and not self.lacking


class BucketClient:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def preflight(self, link: SignedLink, *, deadline: Deadline) -> Preflight:
        """Ask the host of a link, as a browser does before a PUT; the link itself is not used."""
        parts = urlsplit(link.url.reveal())
        reply = self._transport.exchange(
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
        return _read(reply)


def _read(reply: Reply) -> Preflight:
    found = re.search(rb"<Code>([A-Za-z]{1,60})</Code>", reply.body)
    code = found[1].decode() if found else ""
    from_cos = "x-cos-request-id" in reply.headers
    lacking = tuple(_lacking(reply.headers)) if reply.status == 200 else ()
    return Preflight(reply.status, from_cos, code, lacking, reply.headers)


def _lacking(headers: Mapping[str, str]) -> list[str]:
    """Return the names that the rule lacks, spelled as a browser spells them."""
    origins = _names(headers, "Access-Control-Allow-Origin")
    methods = _names(headers, "Access-Control-Allow-Methods")
    names = _names(headers, "Access-Control-Allow-Headers")
    missing = [] if origins & {"*", _ORIGIN} else ["Origin"]
    missing += [] if METHOD.lower() in methods else [METHOD]
    return missing + [name for name in HEADERS if not names & {"*", name}]


def _names(headers: Mapping[str, str], name: str) -> set[str]:
    return {each.strip().lower() for each in headers.get(name, "").split(",")}
