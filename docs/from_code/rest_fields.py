"""Write the members of the REST API's answers from its OpenAPI document."""

from typing import Any

from wx_static_store.models import Deployment, UploadLog

from . import here, section, table
from .log import MEANINGS
from .rest_api import described, openapi, type_of

# What the document does not describe, beside the columns of the log.
MORE = {
    "code": "What went wrong, in a word.",
    "extensions": "The kinds of files that need only the permission ``upload``.",
    "hint": "What to do about it.",
    "id": "The id of the row in the log.",
    "kind": "What waits: ``save`` or ``delete``.",
    "label": "The name of the environment, as people see it.",
    "last_modified": "When COS stored the object.",
    "next": "The address of the next page, or null.",
    "results": "The entries.",
    "store": "The alias in ``STORAGES``.",
    "title": "The text of the HTTP status.",
    "url": "The public address, or null.",
}


def text() -> str:
    schemas = openapi()["components"]["schemas"]
    return "\n".join(
        section(name.removeprefix("Wx"), _members(name, of["properties"]), mark="-")
        for name, of in schemas.items()
        if "properties" in of and not name.endswith(("Form", "Body"))
    )


def _members(name: str, members: dict[str, Any]) -> str:
    rows = [(here("Member", "成员"), here("Type", "类型"), here("Meaning", "含义"))]
    more = {"status": "The HTTP status."} if name == "WxProblem" else {}
    of_runs = name.startswith(("WxDeployment", "WxRollout"))
    model = Deployment if of_runs else UploadLog
    columns = {field.name: "" for field in model._meta.fields}  # a test asks for their meanings
    known = columns | MEANINGS[model] | MORE | more
    rows += [
        (f"``{member}``", type_of(of), described(of) or known[member])
        for member, of in members.items()
    ]
    return table(24, 26, 50, rows=rows)
