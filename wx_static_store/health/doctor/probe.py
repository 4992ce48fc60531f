"""One small file, public for a moment: how WeChat and COS treat it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...exceptions import WxStaticStoreError
from ...i18n import gettext_lazy as _
from . import visit
from .facts import LOG, YOUNG, is_soon, said
from .findings import Check, Finding, explained, not_asked, of_error, ok, warning, wrong
from .probe_file import NOTHING, SIZE, ProbeFile, of_each, page, summed
from .quota import of_call
from .target import CheckTarget

YOUNG_LINK = 30  # seconds; a link lives 60

_DIFFERENT = _("Look whether another program writes to this environment.")


def _upload(target: CheckTarget) -> Iterator[Finding]:
    def publish(env: str) -> Iterator[Finding]:
        file = target.probe_files[env] = ProbeFile(target, env)
        started = file.clock.now()
        result = file.send(page(SIZE))
        if result.error:
            yield _failed(result.error, target, file.clock.now() - started)
        elif result.verified:
            yield ok(_("A file was sent, and COS has stored the same bytes."))
        else:
            yield warning(_("COS names no MD5 of what it has stored."))

    yield from summed(target.usable_envs, publish, target)


def _failed(error: WxStaticStoreError, target: CheckTarget, seconds: float) -> Finding:
    """Return the finding of an upload that failed, unless an earlier check has met the cause."""
    found = of_call(error, target)
    if error.cos_code == "InvalidAccessKeyId" and seconds < YOUNG_LINK:
        text = _(
            "COS does not know the key of a link that is %(seconds)d seconds old (%(code)s): the "
            "header x-cos-security-token did not arrive.",
            seconds=seconds, code=error.cos_code,
        )  # fmt: skip
        found = replace(found, text=text)
    return explained(target, "browser.cors") or found


def _listed(file: ProbeFile) -> Iterator[Finding]:
    took = file.until(lambda: bool(_entry(file)), file.timeout)
    seconds = 0 if took == 0 else max(1, round(file.age))
    file.facts["list_lag_seconds"] = lag = f"{seconds}+" if took is None else str(seconds)
    findings = []
    if not is_soon(lag):
        text = said({"list_lag_seconds": lag})
        findings.append(warning(text, hint=YOUNG, data={"seconds": seconds}))
    if took is not None:
        file.common["marker"] = "inclusive" if _entry(file, marker=file.key) else "exclusive"
        findings += _compared(file, _entry(file))
    yield from findings or [ok(_("The list shows the file with its MD5, its size and its time."))]


def _entry(file: ProbeFile, marker: str = "") -> dict[str, Any]:
    rows = file.listed(file.key, marker).get("contents") or []
    return next((row for row in rows if row["key"] == file.key), {})


def _compared(file: ProbeFile, entry: dict[str, Any]) -> Iterator[Finding]:
    given = str(entry.get("md5") or "").strip('"').lower()
    form = file.facts["list_md5"] = _form(given, file.body)
    if form != "plain":
        hint = _DIFFERENT if form == "other" else LOG
        yield warning(said({"list_md5": form}), hint=hint, data={"form": form})
    if str(entry["size"]) != str(len(file.body)):
        yield warning(_("The list names another size than that of the file."), hint=_DIFFERENT)
    if not entry.get("last_modified"):
        yield warning(_("The list names no time of the file."))


def _form(given: str, body: bytes) -> str:
    if given == hashlib.md5(body, usedforsecurity=False).hexdigest():
        return "plain"
    if re.fullmatch(r"[0-9a-f]{32}-\d+", given):
        return "multipart"
    return "other" if given else "none"


def _answers(file: ProbeFile) -> Iterator[Finding]:
    nothing = file.listed(file.key + "/")
    empty = "null" if nothing.get("contents", []) is None else "[]"
    file.common |= {
        "list_empty": empty if "contents" in nothing else "missing",
        "truncated_as": "string" if isinstance(nothing.get("is_truncated"), str) else "bool",
        "errcode_as": "string" if isinstance(nothing.get("errcode"), str) else "number",
        "content_type": file.content_type,
    }
    first = file.listed("")
    if str(first.get("is_truncated")).lower() == "true":
        file.common["page_size"] = str(len(first["contents"]))
    file.common |= _described(file.describe())
    yield ok(_("WeChat's answers have a form that is known."), data=dict(file.common))


def _described(answer: dict[str, Any]) -> dict[str, str]:
    name = next((name for name in ("Data", "data") if answer.get(name)), "")
    members = answer[name][0] if name else {}
    region = next((each for each in members if each.lower() in ("regoin", "region")), "")
    return {key: value for key, value in (("data_key", name), ("region_key", region)) if value}


def _deleted(target: CheckTarget) -> Iterator[Finding]:
    files: dict[str, ProbeFile] = {
        file.env: file for file in target.probe_files.values() if file.public
    }

    def end(env: str) -> Iterator[Finding]:
        file = files[env]
        if error := file.end():
            why = of_error(error).text
            text = _("%(key)s is still public: %(why)s", key=error.key, why=why)
            yield wrong(text, data={"key": error.key})
        else:
            yield ok(_("The file is overwritten."))

    if not files:
        yield not_asked(NOTHING)
    yield from summed([*files], end, target)


# An entry is read as one.
# fmt: off
CHECKS = (
    Check("probe.upload", _("Can a file be published?"), _upload,
        means=_("The error is that of an upload. Its stage says who refused."),
        remedy=_("wx_deploy --verify reads the public files, and finds damaged ones."),
        needs=("environments.listed",), probe=True, at_envs=True),
    Check("probe.list", _("Does the list show the file?"), of_each(_listed),
        means=_("While the list is late, wx_reconcile reports files as missing that are there."),
        remedy=LOG, needs=("environments.files",), probe=True),
    Check("probe.answers", _("Which form do WeChat's answers have?"), of_each(_answers, most=1),
        means=_("The app reads each form."),
        remedy=_("Report the form to the authors of this app."),
        needs=("environments.files",), probe=True),
    *visit.CHECKS,
    Check("probe.deleted", _("Is the file gone again?"), _deleted,
        means=_("The CDN may show the file for some minutes more."),
        remedy=_("Call delete() of the storage with its name, or delete the key in the console of "
                 "Tencent Cloud."), probe=True),
)
# fmt: on
