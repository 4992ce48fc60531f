"""Write each address of the REST API from its OpenAPI document."""

import re
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from wx_static_store.api.urls import urlpatterns

from . import here, plain, section, table

_METHODS = ("get", "post", "put")


def openapi() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(patterns=urlpatterns).get_schema(None, public=True)
    return found


def text() -> str:
    document = openapi()
    components = document["components"]["schemas"]
    return "\n".join(
        _address(method, path, of[method], components)
        for path, of in document["paths"].items()
        for method in _METHODS
        if method in of
    )


def _address(method: str, path: str, of: dict[str, Any], components: dict[str, Any]) -> str:
    return section(
        f"{method.upper()} {path.lstrip('/')}",
        plain(of["summary"]),
        plain(of.get("description", "")),
        _parameters(of.get("parameters", []), _body(of, components)),
        _answers(of["responses"], components),
        anchor=of["operationId"],
        mark="-",
    )


def _body(of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the form, if the request has one."""
    content = of.get("requestBody", {}).get("content", {})
    return _properties(content.get("multipart/form-data", {}).get("schema", {}), components)


def _properties(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = components.get(name, schema).get("properties", {})
    return found


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
    form = here("form", "表单")
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
    """Write a type as code: one of some texts, or the name that JSON Schema gives it."""
    if "$ref" in schema:
        return f"``{schema['$ref'].rpartition('/')[2].removeprefix('Wx')}``"
    if several := schema.get("allOf") or schema.get("oneOf"):
        return type_of(several[0])
    if schema.get("enum"):
        return ", ".join(f"``{value}``" for value in schema["enum"] if value is not None)
    name = f"{schema.get('type', 'object')} {schema.get('format', '')}".strip()
    return f"``{name}``"


def _answers(responses: dict[str, Any], components: dict[str, Any]) -> str:
    rows = [(here("Status", "状态码"), here("Answer", "响应"))]
    for status, of in responses.items():
        fields = _properties(_schema(of), components)
        if int(status) < 400:
            said = ", ".join(f"``{name}``" for name in fields)
        else:
            said = of["description"].replace("`", "``")  # codes of problems
        rows.append((f"``{status}``", said))
    return table(14, 86, rows=rows)


def _schema(response: dict[str, Any]) -> dict[str, Any]:
    contents = [*response.get("content", {}).values()]
    found: dict[str, Any] = contents[0].get("schema", {}) if contents else {}
    return found
