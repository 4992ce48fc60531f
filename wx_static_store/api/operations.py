"""What a method of a view needs, takes and answers, for the view and for the OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self, TypeVar

from django.utils.translation import gettext_lazy as _
from rest_framework.serializers import Serializer, URLField

Method = TypeVar("Method", bound=Callable[..., Any])
Needs = tuple[str, ...]  # permissions, of which one is enough

_NAME = {"type": "string", "minLength": 1, "pattern": r"^[^/\\]+(/[^/\\]+)*$"}
PATH: Mapping[str, Any] = {"id": int, "name": _NAME}  # types of what an address holds
KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
MD5 = {"type": "string", "pattern": "^[A-Za-z0-9+/]{22}==$"}

MATCH = {
    "If-Match": (str, _("The ETag of the file that is to be replaced; else the answer is 412.")),
    "If-None-Match": (str, _("With * nothing is replaced: if there is a file, the answer is 412.")),
}
WITH_MD5 = MATCH | {
    "Content-MD5": (MD5, _("The MD5 of the body, in base64; else the answer is 400.")),
}
EVERYBODY = ("version", "not_authenticated", "authentication_failed", "forbidden", "throttled")
SENDER = (*EVERYBODY, "csrf")
READ = (*EVERYBODY, "invalid", "configuration", "busy")
CLOUD = ("configuration", "upstream", "busy", "timeout")
ONCE = ("invalid", "in_progress", "other_body", "unknown")
STORE = ("store", "environment")
FILE = (
    *("parse_error", "length_required", "size", "unsupported_media_type", *STORE, "store_closed"),
    *("name", "folder", "protected", "type", "content", "exists", "precondition"),
)
BODY = ("parse_error", "size", "unsupported_media_type")
FORMATS = ("application/json", "multipart/form-data")  # of a body
AGAIN = ("not_found", "gone", *STORE, "exists", *BODY)
CHOICE = ("release", *STORE)
BEGINS = (
    *(*SENDER, *ONCE, *BODY, "length_required", "gone", "rollout", "configuration", "busy"),
    "workers",
)


@dataclass(frozen=True)
class Operation:
    """One method of one view, which it decorates; it may answer with these codes of `PROBLEMS`."""

    id: str
    summary: Any
    codes: tuple[str, ...]
    answer: Any
    needs: Needs
    status: int = 200
    description: Any = ""
    query: type[Serializer[Any]] | None = None  # the parameters of the address
    request: Any = None
    once: bool = False
    begun: bool = False  # the answer is 202 where workers do it
    waits: bool = False  # the answer is 202 where the file waits
    location: Any = ""  # what is at the address that a good answer names; "" is a row of the log
    headers: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # of the request
    path: Mapping[str, Any] = field(default_factory=lambda: PATH)
    also: int = 0  # another status with this answer

    def __call__(self, method: Method) -> Method:
        method.operation = self  # type: ignore[attr-defined]
        return method

    @classmethod
    def of_row(cls, id: str, summary: Any, answer: Any, needs: Needs, query: Any = None) -> Self:
        """Describe a GET that reads only the database."""
        return cls(id, summary, (*READ, "not_found"), answer, needs, query=query)

    @classmethod
    def of_rows(cls, id: str, summary: Any, item: Any, needs: Needs, query: Any) -> Self:
        """Describe a GET of a list of these, in pages."""
        return cls.of_row(id, summary, pages_of(item), needs, query)


@cache
def pages_of(item: type[Serializer[Any]]) -> type[Serializer[Any]]:
    """Return the serializer of a page of these."""
    name = item.__name__.removesuffix("Serializer") + "sSerializer"
    members = {"next": URLField(allow_null=True), "results": item(many=True)}
    return type(name, (Serializer,), members)
