"""Write the members of the REST API's answers from its OpenAPI document."""

from typing import Any

from wx_static_store.models import Deployment, UploadLog

from . import here, section, table
from .log import MEANINGS
from .rest_api import described, is_page, linked, openapi, type_of

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
    answers = {
        name: of["properties"]
        for name, of in schemas.items()
        if "properties" in of and not (name.endswith(("Form", "Body")) or is_page(of["properties"]))
    }
    return "\n".join(_answer(name, answers) for name in answers)


def _answer(name: str, answers: dict[str, dict[str, Any]]) -> str:
    """Write the members of an answer; those of another one that it has whole by a link."""
    members, base = answers[name], ""
    for other, theirs in answers.items():
        if 3 < len(theirs) < len(members) and theirs.items() <= members.items():
            base = max(base, other, key=lambda each: len(answers.get(each, ())))
    also = (
        here("All members of %s, and:", "除 %s 的全部字段外，还有：") % linked(base) if base else ""
    )
    own = {member: of for member, of in members.items() if member not in answers.get(base, ())}
    short = name.removeprefix("Wx")
    return section(short, also, _members(name, own), anchor=f"answer-{short.lower()}", mark="-")


def _members(name: str, members: dict[str, Any]) -> str:
    rows = [(here("Member", "成员"), here("Type", "类型"), here("Meaning", "含义"))]
    more = {"status": "The HTTP status."} if name == "WxProblem" else {}
    of_runs = name.startswith(("WxDeployment", "WxRollout"))
    model = Deployment if of_runs else UploadLog
    columns = {field.name: "" for field in model._meta.fields}  # a test asks for their meanings
    more |= {"id": "Its id."} if of_runs else {}
    known = columns | MORE | MEANINGS[model] | more
    rows += [
        (f"``{member}``", type_of(of), described(of) or known[member])
        for member, of in members.items()
    ]
    return table(24, 26, 50, rows=rows)
