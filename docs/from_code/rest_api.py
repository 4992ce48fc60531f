"""
Write addresses of the REST API from its OpenAPI document, those whose first word is given.

`overview` is a list of all addresses. A parameter that several addresses take is described at the
first of them; the others have a link.
"""

import re
from functools import cache
from textwrap import indent
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator

from wx_static_store.api.operations import BODY, ONCE, READ, SENDER, Operation
from wx_static_store.api.urls import urlpatterns

from . import entries, fields, here, plain, section

SHOWN = 12  # choices of a type
# The page names these once: problems of every request, of each with a body, of each with a key.
COMMON = {*SENDER, *READ}
WITH_BODY = {*BODY}
WITH_KEY = {*ONCE} - COMMON
# What a parameter means at all addresses that take it.
_MEANINGS = {
    "env": "The id of an environment. Without it, uploads and requests to the cloud take the "
    "store's own; lists of rows take all.",
}
_METHODS = ("get", "post", "put")
Address = tuple[str, str, dict[str, Any]]  # method, path, and its part of the document


def openapi() -> dict[str, Any]:
    return _in_language(get_language())


@cache
def _in_language(language: str | None) -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(patterns=urlpatterns).get_schema(None, public=True)
    return found


def text(*parts: str) -> str:
    if parts == ("overview",):
        return entries(*map(_line, _addresses()))
    homes = _homes()
    return "\n".join(
        _address(each, homes) for each in _addresses() if each[1].partition("/")[0] in parts
    )


def _addresses() -> list[Address]:
    """Return the addresses in the order of the URLconf."""
    found = [
        (method, path.lstrip("/"), of[method])
        for path, of in openapi()["paths"].items()
        for method in _METHODS
        if method in of
    ]
    order = [*_operations()]
    return sorted(found, key=lambda each: order.index(each[2]["operationId"]))


@cache
def _operations() -> dict[str, Operation]:
    views = (pattern.callback.cls for pattern in urlpatterns)  # type: ignore[attr-defined]
    found = (
        getattr(view, name).operation for view in views for name in _METHODS if hasattr(view, name)
    )
    return {operation.id: operation for operation in found}


def _line(address: Address) -> tuple[str, str]:
    method, path, of = address
    return f":ref:`{method.upper()} {path} <{of['operationId']}>`", plain(of["summary"])


def _homes() -> dict[tuple[str, str], str]:
    """Return the first address of each parameter that several addresses take with one meaning."""
    found: dict[tuple[str, str], list[str]] = {}
    for address in _addresses():
        for name, of in _parameters(address):
            found.setdefault((name, described(of)), []).append(address[2]["operationId"])
    return {parameter: ids[0] for parameter, ids in found.items() if len(ids) > 1}


def _parameters(address: Address) -> list[tuple[str, dict[str, Any]]]:
    """Return the parameters and the fields of the form, but what stands in the path."""
    method, _path, of = address
    once = {"X-CSRFToken"} | ({"If-None-Match"} if method == "get" else set())
    found = [
        (each["name"], each | each["schema"] | {"description": _meaning(each)})
        for each in of.get("parameters", [])
        if each["name"] not in once and (each["in"] != "path" or each["schema"].get("enum"))
    ]
    schema = _resolved(
        of.get("requestBody", {})
        .get("content", {})
        .get("multipart/form-data", {})
        .get("schema", {})
    )
    needed = schema.get("required", ())
    found += [
        (
            name,
            field | {"required": name in needed, "description": _meaning(field | {"name": name})},
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return found


def _meaning(of: dict[str, Any]) -> str:
    return _MEANINGS.get(of["name"]) or str(of.get("description", ""))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = openapi()["components"]["schemas"].get(_name(schema), schema)
    return found


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "").rpartition("/")[2])


def _address(address: Address, homes: dict[tuple[str, str], str]) -> str:
    method, path, of = address
    id = of["operationId"]
    own, links = [], []
    parameters = _parameters(address)
    for name, field in parameters:
        home = homes.get((name, described(field)), "")
        if home in ("", id):
            own.append(_entry(name, field, anchor=bool(home)))
        else:
            links.append(f":ref:`{name} <{_anchor(name)}>`{_needed(field)}")
    both = [", ".join(links), indent(entries(*own), "   ").lstrip() if own else ""]
    needs = (f"``{act.rpartition('.')[2]}``" for act in _operations()[id].needs)
    return section(
        f"{method.upper()} {path}",
        plain(of["summary"]) + here(".", "。"),
        plain(of.get("description", "")),
        fields(
            (here("Permission", "权限"), here(" or ", " 或 ").join(needs)),
            (here("Parameters", "参数"), "\n\n   ".join(each for each in both if each)),
            (here("Answer", "响应"), _answers(of["responses"])),
            (here("Problems", "问题"), _problems(of["responses"], {*dict(parameters)})),
        ),
        anchor=id,
        mark="-",
    )


def _anchor(name: str) -> str:
    return f"parameter-{name.lower().replace('_', '-')}"


def _needed(of: dict[str, Any]) -> str:
    return here(" (required)", r"\ （必填）") if of.get("required") else ""


def _entry(name: str, of: dict[str, Any], *, anchor: bool) -> tuple[str, str]:
    parts = [described(of), choices_of(of)]
    if anchor:
        parts.insert(0, f".. anchor:: {_anchor(name)}")
    where = here(" (header)", r"\ （请求头）") if of.get("in") == "header" else _needed(of)
    return f"``{name}``{where}", "\n\n   ".join(part for part in parts if part)


def described(of: dict[str, Any]) -> str:
    """Return the description, without the list of choices that drf-spectacular adds."""
    return plain(re.split(r"\n*\* `", of.get("description", ""))[0])


def choices_of(schema: dict[str, Any]) -> str:
    """Return the texts that a value may be, or a link to the answer that it is."""
    if "properties" in _resolved(schema):
        return linked(_name(schema))
    schema = _resolved(schema)
    if several := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
        return choices_of(several[0])
    if len(schema.get("enum", ())) in range(1, SHOWN):
        return ", ".join(f"``{value}``" for value in schema["enum"] if value)
    if _name(schema.get("items", {})):
        return here("list of ", "列表：") + choices_of(schema["items"])
    return ""


def linked(name: str) -> str:
    """Return a link to what the page says of a component."""
    short = name.removeprefix("Wx")
    return f":ref:`{short} <answer-{short.lower()}>`"


def _answers(responses: dict[str, Any]) -> str:
    good: dict[str, list[str]] = {}
    for status, of in responses.items():
        if answer := _good(_schema(of)):
            good.setdefault(answer, []).append(f"``{status}``")
    return ", ".join(f"{', '.join(statuses)} {answer}" for answer, statuses in good.items())


def _problems(responses: dict[str, Any], parameters: set[str]) -> str:
    """Return the problems but those that the page names once."""
    known = COMMON | WITH_BODY | (WITH_KEY if "Idempotency-Key" in parameters else set())
    codes = [
        code
        for of in responses.values()
        for code in re.findall(r"`(\w+)`", of["description"])
        if code not in known
    ]
    return ", ".join(f":ref:`{code} <problem-{code.replace('_', '-')}>`" for code in codes)


def _good(schema: dict[str, Any]) -> str:
    members = _resolved(schema).get("properties", {})
    if is_page(members):
        return here("a page of ", "分页：") + linked(_name(members["results"]["items"]))
    return linked(name) if members and (name := _name(schema)) != "WxProblem" else ""


def is_page(members: dict[str, Any]) -> bool:
    return members.keys() == {"next", "results"}


def _schema(response: dict[str, Any]) -> dict[str, Any]:
    contents = [*response.get("content", {}).values()]
    found: dict[str, Any] = contents[0].get("schema", {}) if contents else {}
    return found
