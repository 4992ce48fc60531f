"""
What version 1 promises: each address, field and member with its type, in version_1.json.

After a change that the version allows, write the file anew:
``DJANGO_SETTINGS_MODULE=tests.settings python -m tests.api.test_version``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tables import none_of

PROMISED = Path(__file__).with_name("version_1.json")


def now() -> dict[str, dict[str, str]]:
    """Return what each address needs and takes, and what each answer has."""
    from drf_spectacular.generators import SchemaGenerator

    from wx_static_store.api.urls import urlpatterns  # once the apps are ready

    document = SchemaGenerator(patterns=urlpatterns).get_schema(None, public=True)
    schemas = document["components"]["schemas"]
    found = {
        f"{method.upper()} {path.lstrip('/')}": taken_by(operation, schemas)
        for path, of in document["paths"].items()
        for method, operation in of.items()
    }
    answers = {
        name: {member: type_of(of, schemas) for member, of in schema["properties"].items()}
        for name, schema in schemas.items()
        if "properties" in schema and not name.endswith(("Form", "Body"))
    }
    return found | answers


def taken_by(operation: Any, schemas: Any) -> dict[str, str]:
    from tests.api.operations import OPERATIONS

    [needs] = [one.needs for one in OPERATIONS.values() if one.id == operation["operationId"]]
    good = sorted(status for status in operation["responses"] if status < "300")
    found = {"needs": " or ".join(needs), "answers": " ".join(good)}
    for each in operation.get("parameters", []):
        found[each["name"]] = type_of(each["schema"], schemas, each.get("required", False))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        body = content["schema"]
        body = schemas.get(body.get("$ref", "").rpartition("/")[2], body)
        for name, field in body.get("properties", {}).items():
            is_required = name in body.get("required", ())
            found[f"{kind} {name}"] = type_of(field, schemas, is_required)
    return found


def type_of(schema: Any, schemas: Any, is_required: bool = False) -> str:
    """Write a type in a word, with what is required or may be null."""
    parts = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf") or [schema]
    name = parts[0].get("$ref", "").rpartition("/")[2]
    inner = schemas.get(name, parts[0])
    if "items" in inner:
        text = f"list of {type_of(inner['items'], schemas)}"
    elif "properties" in inner:
        text = name
    elif "enum" in inner and "anyOf" not in schema:
        text = " | ".join(str(value) for value in inner["enum"])
    else:
        text = inner.get("type", "string")
    return text + " or null" * bool(schema.get("nullable")) + ", required" * is_required


def promised() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(PROMISED.read_text("utf-8"))
    return found


def test_what_is_promised_holds() -> None:
    """See *Version* in docs/reference/rest-api.rst: anything else is a new version."""
    is_so = now()
    none_of(
        f"{place}: {name} was promised as {wanted!r}, and is {is_so.get(place, {}).get(name)!r}"
        for place, members in promised().items()
        for name, wanted in members.items()
        if is_so.get(place, {}).get(name) != wanted
    )


def test_no_field_that_is_added_is_required() -> None:
    known = promised()
    none_of(
        f"{place}: {name} is new, and required"
        for place, members in now().items()
        for name, kind in members.items()
        if kind.endswith(", required") and place in known and name not in known[place]
    )


def test_what_is_added_is_promised_too() -> None:
    known = promised()
    none_of(
        f"{place}: {name} is new: write {PROMISED.name} anew, as {Path(__file__).name} says"
        for place, members in now().items()
        for name in members
        if name not in known.get(place, {})
    )


def test_the_promise_is_of_the_version_that_is_answered() -> None:
    from wx_static_store.api.base import VERSION

    assert PROMISED.name == f"version_{VERSION}.json"


@pytest.mark.parametrize("place", ["POST uploads/", "WxUploaded"])
def test_the_promise_has_addresses_and_answers(place: str) -> None:
    assert len(promised()[place]) > 8


if __name__ == "__main__":
    import django

    django.setup()
    text = json.dumps(now(), indent=1, ensure_ascii=False)
    PROMISED.write_text(f"{text}\n", encoding="utf-8")
