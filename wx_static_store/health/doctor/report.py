"""The results as lines for people, and as JSON for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from ...causes import docs_place, with_docs
from ...i18n import gettext as _, labelled, listed, ngettext, shown
from .examination import verdict
from .findings import Finding, Mark, Result

SHOWN = 5  # findings of one check
_MARKS = {mark.label: mark for mark in Mark}


def lines(result: Result) -> Iterator[str]:
    """Yield the line of a check, its other problems, and what to do."""
    check = as_check(result)
    found, more = worst_first(check, SHOWN)
    if result.mark is Mark.OK:  # then one line is enough
        found, more = found[:1], ""
    for number, each in enumerate(found):
        sign, text = _MARKS[each["status"]].value, shown(each["text"])
        yield f"  {sign} {text}" if number else f"{sign} {result.check.id:<22} {text}"
        if each["hint"]:
            yield f"    {with_docs(each['hint'], each['cause'])}"
    if more:
        yield f"  {more}"


def worst_first(check: dict[str, Any], most: int) -> tuple[list[dict[str, Any]], str]:
    """Return the findings that count, each with a hint of its own only, and how many are left."""
    found = sorted(check["findings"], key=lambda each: -_MARKS[each["status"]].weight)
    if check["status"] != Mark.OK.label:
        found = [each for each in found if each["status"] != Mark.OK.label]
    left = len(found) - most
    more = ngettext("and %(count)d more", "and %(count)d more", left) if left > 0 else ""
    hints = [each["hint"] for each in found]
    pairs = zip(found[:most], ["", *hints], strict=False)
    return [each | {"hint": each["hint"] * (each["hint"] != last)} for each, last in pairs], more


def verdict_line(results: Sequence[Result]) -> str:
    """Return the verdict on the target in one line."""
    wrong = [result.check.id for result in results if result.mark is Mark.WRONG]
    doubtful = sum(result.mark is Mark.WARNING for result in results)
    if wrong:
        text = ngettext("%(count)d thing is wrong", "%(count)d things are wrong", len(wrong))
        return labelled(text, listed(wrong))
    text = _("All is well.")
    if doubtful:
        text = ngettext(
            "Nothing is wrong; look at %(count)d warning.",
            "Nothing is wrong; look at %(count)d warnings.",
            doubtful,
        )
    # A good verdict says nothing of what was not asked.
    found = [(result.check.id, each.data) for result in results for each in result.findings]
    for asked, known in ((data["environments"], data["of"]) for _id, data in found if "of" in data):
        if asked < known:
            facts = {"verdict": text, "asked": asked, "all": known}
            text = _("%(verdict)s %(asked)d of %(all)d environments were asked.", **facts)
    if late := list(dict.fromkeys(id for id, data in found if "late" in data)):
        text = _("%(verdict)s No time was left for %(checks)s.", verdict=text, checks=listed(late))
    return text


def as_dict(results: Sequence[Result]) -> dict[str, Any]:
    """Return the results for programs; the texts are in the language of the caller."""
    return {
        "status": verdict(results).label,
        "verdict": verdict_line(results),
        "checks": [*map(as_check, results)],
    }


def as_check(result: Result) -> dict[str, Any]:
    """Return the result of one check for programs."""
    return {
        "id": result.check.id,
        "question": str(result.check.question),
        "status": result.mark.label,
        "seconds": round(result.seconds, 3),
        "findings": [_finding(result, found) for found in result.findings],
    }


def _finding(result: Result, found: Finding) -> dict[str, Any]:
    hint, cause = str(result.hint(found)), found.cause or result.check.id
    return {
        "status": found.mark.label,
        "text": str(found.text),
        "hint": hint,
        "cause": cause if hint else "",
        "docs": docs_place(cause) if hint else "",
        "data": dict(found.data),
    }
