"""What else the settings name: the private storages, and Celery for rollouts."""

import secrets
from collections.abc import Iterator

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from ...conf.release_checks import private_storages, require_private
from ...core.frames import described
from ...i18n import gettext_lazy as _
from ...releases.runners import available_runner
from ...submit.queue import celery_app, check_broker, connected, stalled
from .findings import Finding, explained, not_asked, ok, wrong
from .target import CheckTarget

PATIENCE = 3.0  # seconds for a worker: one that is at work answers within a tenth


# --- the private storages -----------------------------------------------------------------------


def check_storages(target: CheckTarget) -> Iterator[Finding]:
    if not (named := private_storages()):
        yield not_asked(_("Neither RELEASE_STORAGE nor WAITING_STORAGE is set."))
    for alias, option in named:
        facts = {"option": option, "alias": alias}
        try:
            require_private(alias, option)
            storage, name = storages[alias], f"wx-doctor-{secrets.token_hex(8)}"
            storage.delete(storage.save(name, ContentFile(b"wx_doctor")))
        except Exception as error:  # noqa: BLE001 -- each storage has exceptions of its own
            why = described(error)
            text = _("%(option)s (%(alias)r) cannot be written: %(why)s.", **facts, why=why)
            yield explained(target, "settings.checks") or wrong(text, data=facts)
        else:
            yield ok(_("%(option)s (%(alias)r) can be written.", **facts), data=facts)


# --- Celery -------------------------------------------------------------------------------------

_NO_ROLLOUTS = _(
    "No rollouts are handed to workers here: that needs wx_static_store.rollouts and a Celery app."
)


def check_workers(target: CheckTarget) -> Iterator[Finding]:
    if not available_runner():
        yield not_asked(_NO_ROLLOUTS)
        return
    check_broker()
    if name := _answering_worker(PATIENCE):
        text = _("The broker of Celery answers, and so does a worker: %(name)s.", name=name)
        yield ok(text, data={"worker": name})
    else:
        yield wrong(_("No worker of Celery answers within %(seconds)d seconds.", seconds=PATIENCE))


def _answering_worker(seconds: float) -> str:
    """Return the name of the worker that answers first; empty if none does in this time."""
    app = celery_app()
    with connected(app) as connection:
        answers = app.control.ping(timeout=seconds, limit=1, connection=connection)
    return next((name for answer in answers or () for name in answer), "")


def check_stalled(target: CheckTarget) -> Iterator[Finding]:
    cause = explained(target, "workers.answer")
    found = [cause or wrong(each.text, hint=each.hint) for each in stalled()]
    yield from found or [ok(_("Nothing has waited for workers for long."))]
