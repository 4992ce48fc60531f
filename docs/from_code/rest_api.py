"""Write each address of the REST API from its OpenAPI document, or an overview of all."""

import re
from functools import cache
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator

from wx_static_store.api.operations import SENDER
from wx_static_store.api.urls import urlpatterns

from . import fields, here, plain, section, table

_METHODS = ("get", "post", "put")
_EVERYWHERE = {"X-CSRFToken"}  # what the page says once


SHOWN = 12  # choices of a type


def openapi() -> dict[str, Any]:
    return _in_language(get_language())


@cache
def _in_language(language: str | None) -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(patterns=urlpatterns).get_schema(None, public=True)
    return found


def text(part: str = "") -> str:
    document = openapi()
    components = document["components"]["schemas"]
    every = [
        (method, path.lstrip("/"), of[method])
        for path, of in document["paths"].items()
        for method in _METHODS
        if method in of
    ]
    if part == "overview":
        return _overview(every)
    return "\n".join(_address(*each, components) for each in every)


def _overview(every: list[tuple[str, str, dict[str, Any]]]) -> str:
    views = (pattern.callback.cls for pattern in urlpatterns)  # type: ignore[attr-defined]
    found = (
        getattr(view, name).operation for view in views for name in _METHODS if hasattr(view, name)
    )
    needs = {operation.id: operation.needs for operation in found}
    rows = [
        (
            f":ref:`{method.upper()} {path} <{of['operationId']}>`",
            plain(of["summary"]),
            ", ".join(f"``{act.rpartition('.')[2]}``" for act in needs[of["operationId"]]),
        )
        for method, path, of in sorted(every, key=lambda one: [*needs].index(one[2]["operationId"]))
    ]
    head = (
        here("Address", "地址"),
        here("What it does", "用途"),
        here("One of these permissions", "所需权限（其中之一）"),
    )
    return table(34, 40, 26, rows=[head, *rows])


def _address(method: str, path: str, of: dict[str, Any], components: dict[str, Any]) -> str:
    everywhere = _EVERYWHERE | ({"If-None-Match"} if method == "get" else set())
    own = [each for each in of.get("parameters", []) if each["name"] not in everywhere]
    return section(
        f"{method.upper()} {path}",
        plain(of["summary"]),
        plain(of.get("description", "")),
        _parameters(own, _body(of, components)),
        _answers(of["responses"], components),
        anchor=of["operationId"],
        mark="-",
    )


def _body(of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the form, if the request has one."""
    content = of.get("requestBody", {}).get("content", {})
    return _properties(content.get("multipart/form-data", {}).get("schema", {}), components)


def _properties(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = components.get(_name(schema), schema).get("properties", {})
    return found


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "").rpartition("/")[2])


def _parameters(parameters: list[dict[str, Any]], fields: dict[str, Any]) -> str:
    places = {
        "path": here("address", "地址"),
        "query": here("query", "查询"),
        "header": here("header", "请求头"),
    }
    rows = [
        (f"``{each['name']}``", places[each["in"]], *_said(each["schema"], each))
        for each in sorted(parameters, key=lambda each: [*places].index(each["in"]))
    ]
    form = here("body", "请求体")
    rows += [(f"``{name}``", form, *_said(field, field)) for name, field in fields.items()]
    head = (here("Parameter", "参数"), here("In", "位置"), here("Type", "类型"), _meaning())
    return table(24, 12, 20, 44, rows=[head, *rows]) if rows else ""


def _meaning() -> str:
    return here("Meaning", "含义")


def _said(schema: dict[str, Any], of: dict[str, Any]) -> tuple[str, str]:
    return type_of(schema), described(of)


def described(of: dict[str, Any]) -> str:
    """Return the description, without the list of choices that drf-spectacular adds."""
    return plain(re.split(r"\n*\* `", of.get("description", ""))[0])


def type_of(schema: dict[str, Any]) -> str:
    """Write a type: one of some texts, a link to an answer, or its name in JSON Schema."""
    if name := _name(schema):
        schema = openapi()["components"]["schemas"][name]
        if "properties" in schema:
            return linked(name)
    if several := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
        return type_of(several[0])
    if len(schema.get("enum", ())) in range(1, SHOWN):
        return ", ".join(f"``{value}``" for value in schema["enum"] if value)
    if _name(schema.get("items", {})):
        return here("list of ", "列表：") + type_of(schema["items"])
    name = f"{schema.get('type', 'object')} {schema.get('format', '')}".strip()
    return f"``{name}``"


def linked(name: str) -> str:
    """Return a link to what the page says of a component."""
    short = name.removeprefix("Wx")
    return f":ref:`{short} <answer-{short.lower()}>`"


def _answers(responses: dict[str, Any], components: dict[str, Any]) -> str:
    good, codes = [], []
    for status, of in responses.items():
        if answer := _good(_schema(of), components):
            good.append((status, answer))
        codes += [code for code in re.findall(r"`(\w+)`", of["description"]) if code not in SENDER]
    said = ", ".join(f":ref:`{code} <problem-{code.replace('_', '-')}>`" for code in codes)
    return fields(*good, (here("Problems", "问题"), said))


def _good(schema: dict[str, Any], components: dict[str, Any]) -> str:
    members = _properties(schema, components)
    if is_page(members):
        return here("a page of ", "分页：") + type_of(members["results"]["items"])
    return linked(name) if members and (name := _name(schema)) != "WxProblem" else ""


def is_page(members: dict[str, Any]) -> bool:
    return members.keys() == {"next", "results"}


def _schema(response: dict[str, Any]) -> dict[str, Any]:
    contents = [*response.get("content", {}).values()]
    found: dict[str, Any] = contents[0].get("schema", {}) if contents else {}
    return found
