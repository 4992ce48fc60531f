"""
Write the members of the REST API's answers from its OpenAPI document.

A member that is a column of the log has a link to its model on the page of the log. `shared` are
the others that several answers have with one meaning.
"""

from collections import Counter
from typing import Any

from wx_static_store.models import Deployment, Release, UploadLog
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

from . import entries, here, section
from .log import MEANINGS, anchor_of
from .rest_api import choices_of, described, is_page, linked, openapi

COLUMNS: dict[str, type[Any]] = {
    "WxDeployment": Deployment,
    "WxFile": UploadLog,
    "WxProblem": UploadLog,
    "WxRelease": Release,
    "WxReleaseFile": UploadLog,
    "WxRollout": Rollout,
    "WxRolloutEnvironment": RolloutEnvironment,
    "WxRolloutFailure": RolloutEnvironment,
    "WxRolloutFiles": Deployment,
    "WxRow": UploadLog,
    "WxStore": UploadLog,
    "WxUploaded": UploadLog,
    "WxWaitingFile": UploadLog,
}
# What a member means in each answer, but in those below.
MORE = {
    "again": "Whether a new try helps: ``at once``, ``in some minutes``, ``with a new token``, "
    "``later``, ``after a change`` or ``never``.",
    "extensions": "The kinds of files that need only the permission ``upload``.",
    "hint": "What an operator can do. Empty if there is nothing to do.",
    "id": "Its id.",
    "kind": "What waits.",
    "last_modified": "When COS stored the object.",
    "max_size": "The largest size of an upload, in bytes.",
    "next": "The address of the next page, or null.",
    "results": "The entries.",
    "store": "The alias in ``STORAGES``. Empty if none is known.",
    "title": "The cause in words. Empty if nothing failed.",
    "unchanged": "How many files were the same in the cloud, and not sent.",
    "url": "The public address, or null.",
}
# A member that means something else here; "": as the document says.
OWN = {
    ("WxCheck", "id"): "",
    ("WxFinding", "status"): "How bad it is.",
    ("WxProblem", "code"): "Stable: programs may rely on it.",
    ("WxProblem", "request_id"): "The ``X-Request-ID``.",
    ("WxProblem", "stage"): "",
    ("WxProblem", "status"): "The HTTP status.",
    ("WxProblem", "title"): "The text of the HTTP status.",
    ("WxReleaseFile", "name"): "",
    ("WxRolloutFailure", "message"): "",
    ("WxRolloutFailure", "tries"): "",
    ("WxStore", "label"): "The name of the environment, as people see it.",
    ("WxUploaded", "id"): "",
    ("WxUploaded", "status"): "``waiting``: the file is kept until WeChat answers.",
}
Meaning = tuple[str, str]  # and the choices or the answer that a member is


def text(part: str = "") -> str:
    answers = {
        name: of["properties"]
        for name, of in openapi()["components"]["schemas"].items()
        if "properties" in of and not (name.endswith(("Form", "Body")) or is_page(of["properties"]))
    }
    bases = {name: _base(name, answers) for name in answers}
    own = {
        name: {
            member: (_meaning(name, member, of), choices_of(of))
            for member, of in members.items()
            if member not in answers.get(bases[name], ())
        }
        for name, members in answers.items()
    }
    counts = Counter(
        each for name, of in own.items() for each in of.items() if not _is_column(name, *each)
    )
    shared = {name: of for (name, of), count in sorted(counts.items()) if count > 1}
    if part == "shared":
        return entries(*(_entry(*each) for each in shared.items()))
    return "\n".join(_answer(name, own[name], bases[name], shared) for name in answers)


def _base(name: str, answers: dict[str, dict[str, Any]]) -> str:
    """Return the largest other answer that this one has whole."""
    members = answers[name]
    bases = [
        other
        for other, theirs in answers.items()
        if 5 < len(theirs) < len(members) and theirs.items() <= members.items()
    ]
    return max(bases, key=lambda each: len(answers[each]), default="")


def _meaning(answer: str, member: str, of: dict[str, Any]) -> str:
    common = "" if (answer, member) in OWN else MORE.get(member, "")
    return OWN.get((answer, member)) or common or described(of)


def _is_column(answer: str, member: str, meaning: Meaning) -> bool:
    model = COLUMNS.get(answer, object)
    if member not in MEANINGS.get(model, ()) or (answer, member) in OWN:
        return False
    choices = model._meta.get_field(member).choices or ()
    return meaning[1] == ", ".join(f"``{value}``" for value, _label in choices if value)


def _answer(name: str, members: dict[str, Meaning], base: str, shared: dict[str, Meaning]) -> str:
    columns = [member for member, of in members.items() if _is_column(name, member, of)]
    also = [
        member
        for member, of in members.items()
        if member not in columns and shared.get(member) == of
    ]
    own = [_entry(*each) for each in members.items() if each[0] not in (*columns, *also)]
    short = name.removeprefix("Wx")
    model = COLUMNS.get(name, object)
    of = here("Columns of %s", "%s 的字段") % f":ref:`{model.__name__} <{anchor_of(model)}>`"
    parts = (
        here("All members of %s, and:", "除 %s 的全部字段外，还有：") % linked(base)
        if base
        else "",
        _listed(f":ref:`{here('Shared', '共有')} <rest-members>`", also),
        _listed(of, columns),
        entries(*own),
    )
    return section(short, *parts, anchor=f"answer-{short.lower()}", mark="-")


def _listed(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(f'``{name}``' for name in names)}" if names else ""


def _entry(name: str, meaning: Meaning) -> tuple[str, str]:
    return f"``{name}``", "\n\n   ".join(part for part in meaning if part)
