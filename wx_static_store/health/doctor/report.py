"""The results as lines for people, and as JSON for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from ...causes import docs_place, with_docs
from ...i18n import gettext as _, labelled, listed, ngettext, shown
from .examination import verdict
from .findings import Finding, Mark, Result

SHOWN = 5  # findings of one check


def lines(result: Result) -> Iterator[str]:
    """Yield the line of a check, its other problems, and what to do."""
    found = sorted(result.findings, key=lambda each: -each.mark.weight)
    least = min(result.mark, Mark.WARNING, key=lambda mark: mark.weight)
    first, others = found[0], [each for each in found[1:] if each.mark.weight >= least.weight]
    if result.mark is Mark.OK:
        others = []
    name = result.check.id
    yield f"{first.mark.value} {name:<22} {shown(str(first.text))}"
    yield from _hint(result, first)
    for each in others[: SHOWN - 1]:
        yield f"  {each.mark.value} {shown(str(each.text))}"
        if str(result.hint(each)) != str(result.hint(first)):
            yield from _hint(result, each)
    if (more := len(others) - (SHOWN - 1)) > 0:
        yield "  " + ngettext("and %(count)d more", "and %(count)d more", more)


def _hint(result: Result, found: Finding) -> Iterator[str]:
    if hint := str(result.hint(found)):
        yield f"    {with_docs(hint, found.cause or result.check.id)}"


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
    return _as_far_as_asked(text, results)


def _as_far_as_asked(text: str, results: Sequence[Result]) -> str:
    """Add what was not asked to a verdict that is good: it says nothing of that."""
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
        "checks": [
            {
                "id": result.check.id,
                "question": str(result.check.question),
                "status": result.mark.label,
                "seconds": round(result.seconds, 3),
                "findings": [_finding(result, found) for found in result.findings],
            }
            for result in results
        ],
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
