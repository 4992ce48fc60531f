"""
Actions on rows of the log: upload again, compare with the cloud, export.

A long one runs in small steps: a page lists the chosen rows, and each request does some of them.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from ...core.retry import REQUEST, ending_within
from ...models import UploadLog, UploadLogQuerySet
from ...submit import queue
from ...submit.access import offered
from ..base import LIMIT, POST, Page, ReadOnlyAdmin
from . import step_results as results
from .export import export
from .step_results import Step, StepLine, StepRequest

_NO_TIME = _("No row could be done in the time of one step: try it again later.")


Work = Callable[[StepRequest], Step]
LONG_ACTIONS: dict[str, tuple[Work, Callable[[Counter[str], int], str]]] = {
    # the work of a step, and the text on all counts so far
    "upload_again": (results.upload_again, results.count_sent),
    "compare": (results.compare, results.count_compared),
}


class LogActions(ReadOnlyAdmin):
    """Mixin of the log of uploads: actions with a permission each, and the page of a long one."""

    actions: Any = ("upload_again", "compare", "export_csv", "export_json")

    @admin.action(permissions=["retry"], description=_("Upload again"))
    def upload_again(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> HttpResponse | None:
        rows = self.few(request, queryset)
        return self.show_steps(request, "upload_again", rows) if rows else None

    # These three need only the permission to see the log: an export shows no more than the list,
    # and a comparison changes nothing and is bounded in its calls (LIMIT) and its time.

    @admin.action(permissions=["view"], description=_("Compare with the cloud"))
    def compare(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponse | None:
        by_key: dict[tuple[str, str], UploadLog] = {}
        for row in self.few(request, queryset):
            by_key.setdefault((row.env, row.key), row)
        rows = [row for row in by_key.values() if row.key]  # a refused name has none
        return self.show_steps(request, "compare", rows) if rows else None

    @admin.action(permissions=["view"], description=_("Export as CSV"))
    def export_csv(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponseBase:
        return export(request, queryset, "csv")

    @admin.action(permissions=["view"], description=_("Export as JSON"))
    def export_json(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponseBase:
        return export(request, queryset, "json")

    # The page keeps all state: whoever closes it stops the action. Each step reads its rows again,
    # as they are offered to the user then.
    @Page("upload_again", "upload-again/", POST, needs="retry")
    @Page("compare", "compare/", POST)
    def step_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Do some of the rows; show how they ended and what is left, as JSON for the script."""
        wanted, late = (_parse_ids(request.POST.get(field, "")) for field in ("rows", "late"))
        if request.POST.get("from_page"):  # also what no worker took
            wanted, late = [*late, *wanted][:LIMIT], []
        rows = offered(self.get_queryset(request), request.user)
        found = list(rows.filter(pk__in=wanted).order_by("-id"))
        asked = _parse_step(request, found)
        with ending_within(REQUEST):
            step = LONG_ACTIONS[name][0](asked) if found else Step([])
        known, facts = {row.pk for row in found}, [results.NOT_FOUND]
        lost = (StepLine(pk, f"#{pk}", outcome=results.LOST, facts=facts) for pk in wanted)
        lines = [*step.lines, *(line for line in lost if line.pk not in known)]
        done = {line.pk: line.outcome for line in lines if line.outcome}
        late += [pk for pk, outcome in done.items() if outcome == results.HANDED]
        left = [row for row in found if row.pk not in done]
        counts = Counter(done.values()) - Counter({results.HANDED: len(done)})
        # The page may keep the counts of earlier steps, as they are only shown.
        before = re.findall(r"([a-z]{1,20}):([0-9]{1,6})", request.POST.get("counts", ""))
        counts += Counter({outcome: int(count) for outcome, count in before[:20]})
        state = _state(name, counts, left, step.handed, late) | {
            "error": step.error or (str(_NO_TIME) if left and not lines else ""),
            "stuck": step.stuck,
            "from_page": "1" if asked.from_page else "",
            "begun": asked.begun,
            "folder": request.POST.get("folder", ""),
        }
        if asked.scripted:
            template = "admin/wx_static_store/uploadlog/step_line.html"
            around = {"may_view": self.has_view_permission(request)}
            html = [render_to_string(template, around | {"line": each}, request) for each in lines]
            shown = [{"id": line.pk, "html": of} for line, of in zip(lines, html, strict=True)]
            return JsonResponse(state | {"lines": shown})
        waiting = results.waiting_lines(request, [row for row in left if row.pk not in step.handed])
        return self._steps_page(request, name, state, [*lines, *waiting])

    def show_steps(
        self, request: HttpRequest, name: str, rows: list[UploadLog], *, folder: str = ""
    ) -> HttpResponse:
        """Show the page of an action before its first step; its script begins at once."""
        # A link leads back to `folder`, the query of *Files in the cloud*, or else to the list.
        state = _state(name, Counter(), rows, {}, []) | {"begin": True, "folder": folder}
        state["begun"] = int(time.time())
        return self._steps_page(request, name, state, results.waiting_lines(request, rows))

    def _steps_page(
        self, request: HttpRequest, name: str, state: dict[str, Any], lines: list[StepLine]
    ) -> HttpResponse:
        by_workers = name == "upload_again" and not state.get("from_page") and queue.is_available()
        few = results.FEW if name == "upload_again" else LIMIT
        context = {
            "title": getattr(self, name).short_description,
            "here": self.page_url(name),
            "back": self.page_url("changelist"),
            "lines": lines,
            "total": len(lines),
            "by_workers": by_workers,
            "few": few,
            "failing": self.page_url("failing") if name == "upload_again" else "",
        }
        return self.page_response(request, "steps", context | state)


def _state(
    name: str,
    counts: Counter[str],
    left: Sequence[UploadLog],
    handed: Mapping[int, int],
    late: Sequence[int],
) -> dict[str, Any]:
    """Return the state that the page keeps between steps, and the text that it shows."""
    with_handed = counts + Counter({results.HANDED: len(handed) + len(late)})
    return {
        "rows": ",".join(str(row.pk) for row in left),
        "handed": ",".join(f"{pk}:{since}" for pk, since in handed.items()),
        "late": ",".join(map(str, late)),
        "counts": ",".join(f"{outcome}:{count}" for outcome, count in counts.items()),
        "said": LONG_ACTIONS[name][1](with_handed, len(left) - len(handed)),
    }


def _parse_ids(text: str) -> list[int]:
    """Return the ids of the rows that are left; none if the text is malformed."""
    found = re.fullmatch(r"[0-9]{1,18}(,[0-9]{1,18})*", text)
    return [int(one) for one in dict.fromkeys(text.split(","))][:LIMIT] if found else []


def _parse_step(request: HttpRequest, rows: Sequence[UploadLog]) -> StepRequest:
    """Return what a step shall do; `handed` holds the rows of workers, and since when."""
    start = re.fullmatch(r"[0-9]{1,12}", request.POST.get("begun", ""))
    from_page = bool(request.POST.get("from_page"))
    handed = re.findall(r"([0-9]{1,18}):([0-9]{1,12})", request.POST.get("handed", ""))
    kind = request.get_preferred_type(["text/html", "application/json"])
    return StepRequest(
        request,
        rows,
        scripted=kind == "application/json",
        handed={} if from_page else {int(pk): int(since) for pk, since in handed[:LIMIT]},
        from_page=from_page,
        begun=int(start[0]) if start else 0,
    )
