"""Alerts of new failures, by the signals of the app."""

from collections.abc import Callable, Iterator
from typing import Any

from django.dispatch import Signal

from ...causes import cause_of, hint
from ...core.types import NOT_STORED
from ...i18n import gettext as _, joined, labelled, ngettext
from ...log.failing import causes
from ...models import UploadLogQuerySet
from ...signals import deployment_finished, rollout_finished
from ...upload.database import deployments, in_database, log
from .alert import Alert, in_own_language, send


def _alert_of_deployment(env: str, deployment_id: int | None, outcome: str, **_more: Any) -> None:
    if outcome == "done":
        return
    with in_own_language():
        title = _("A deployment to %(env)s failed", env=env)
        send(Alert(f"deployment:{env}", title, _of_deployment(deployment_id)))


def _of_deployment(pk: int | None) -> str:
    row = in_database(lambda: deployments().filter(pk=pk).first(), otherwise=None) if pk else None
    if row is None:
        return _("It failed before a file was sent. Its output names the cause.")
    facts = (
        f"#{row.pk} {row}",
        _("%(count)d stored", count=row.stored),
        _("%(count)d failed", count=row.failed),
        _("%(count)d not attempted", count=row.not_attempted),
    )
    failed = log().filter(deployment=pk, status__in=NOT_STORED)
    whys = in_database(lambda: [*causes_of(failed)], otherwise=list[str]())
    return "\n".join([joined(facts), *whys])


def causes_of(rows: UploadLogQuerySet) -> Iterator[str]:
    """Yield a line for each cause: how many files, what happened, and what to do."""
    for code, failed in causes(rows):
        files = ngettext("%(count)d file", "%(count)d files", len(failed))
        why = _("%(what)s. %(hint)s", what=cause_of(code).title, hint=hint(code))
        yield labelled(files, why)


def _alert_of_rollout(rollout_id: int, failed: int, **_more: Any) -> None:
    # A person who stops a rollout needs no alert.
    if not failed:
        return
    with in_own_language():
        title = _("Rollout %(pk)s was stopped by its failures", pk=rollout_id)
        text = ngettext("%(count)d environment failed.", "%(count)d environments failed.", failed)
        look = _("See which and why: wx_rollout status %(pk)s", pk=rollout_id)
        send(Alert(f"rollout:{rollout_id}", title, f"{text}\n{look}"))


ALERTS: dict[Signal, Callable[..., None]] = {
    deployment_finished: _alert_of_deployment,
    rollout_finished: _alert_of_rollout,
}
