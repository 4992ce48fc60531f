"""The database: the tables of the app, and whether the log can be written."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure, connections, models, router, transaction
from django.db.migrations.executor import MigrationExecutor

from ...core.frames import described
from ...core.types import UploadStatus
from ...i18n import gettext_lazy as _, listed
from ...models import UploadLog, key_digest
from ...upload.database import log
from .findings import Finding, Text, not_asked, ok, warning, wrong
from .target import FOLDER, CheckTarget

_APPS = (
    *("wx_static_store", "wx_static_store_callback"),
    *("wx_static_store_health", "wx_static_store_rollouts"),
)
_NO_ENGINE = "django.db.backends.dummy"  # what Django takes where DATABASES is empty

NO_DATABASE = _(
    "This project has no database: uploads are logged by the logger wx_static_store.uploads only."
)
_NEWER = _("Install the version of wx_static_store that made them, or go back with it first.")
_LOCKED = _(
    "Another process holds the lock. End its long write, or move from SQLite to PostgreSQL or "
    "MariaDB."
)
_READ_ONLY = ("readonly", "read-only", "read only")
_READ_ONLY_HINT = _(
    "Let DATABASES name the primary, not a copy to read from. Of SQLite, the file and its folder "
    "must be writable by the user of this process."
)
_RESTORE = _(
    "Restore the database from a backup: by its own record the migrations that make them are "
    "applied."
)


def check_tables(target: CheckTarget) -> Iterator[Finding]:
    by_alias: dict[str, list[type[models.Model]]] = defaultdict(list)
    for app in apps.get_app_configs():
        for model in app.get_models() if app.label in _APPS else ():
            # A proxy is a page that Django lists among the models: it has no table.
            if not model._meta.proxy:
                by_alias[router.db_for_write(model)].append(model)
    if connections[next(iter(by_alias))].settings_dict["ENGINE"] == _NO_ENGINE:
        yield not_asked(NO_DATABASE)
        return
    faults = [each for alias, of in by_alias.items() for each in _of_database(target, alias, of)]
    yield from faults
    if not faults:
        facts = {"tables": sum(map(len, by_alias.values())), "aliases": listed(by_alias)}
        text = _("All %(tables)d tables are there (%(aliases)s); migrations are applied.", **facts)
        yield ok(text, data={"databases": [*by_alias]})


def _of_database(
    target: CheckTarget, alias: str, of: list[type[models.Model]]
) -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connections[alias])
        tables = {*connections[alias].introspection.table_names()}
    except (DatabaseFailure, ImproperlyConfigured) as error:
        target.database_fails = True
        yield away(alias, error)
        return
    loader = executor.loader
    # Of a removed app they may stay.
    installed = loader.migrated_apps.intersection(_APPS)
    lacking = {*loader.applied_migrations} - {*loader.disk_migrations}
    if unknown := sorted(f"{app}.{name}" for app, name in lacking if app in installed):
        text = _("A newer version migrated the database: %(names)s.", names=listed(unknown))
        yield warning(text, hint=_NEWER, data={"database": alias, "unknown": unknown})
    leaves = [leaf for label in _APPS for leaf in loader.graph.leaf_nodes(label)]
    plan = [each for each, _back in executor.migration_plan(leaves)]
    if unapplied := [f"{it.app_label}.{it.name}" for it in plan if it.app_label in _APPS]:
        text = _("Migrations are not applied: %(names)s.", names=listed(unapplied))
        command = "manage.py migrate" + (f" --database {alias}" if alias != "default" else "")
        hint = _("Run %(command)s.", command=command)
        yield wrong(text, hint=hint, data={"database": alias, "unapplied": unapplied})
    elif missing := [model._meta.db_table for model in of if model._meta.db_table not in tables]:
        text = _("Tables are missing: %(names)s.", names=listed(missing))
        yield wrong(text, hint=_RESTORE, data={"database": alias, "missing": missing})


def away(alias: str, error: Exception) -> Finding:
    why = described(error)
    text = _("The database %(alias)r cannot be asked (%(why)s).", alias=alias, why=why)
    hint = _("Start it, or correct DATABASES[%(alias)r].", alias=alias)
    return wrong(text, hint=_LOCKED if "locked" in why else hint, data={"database": alias})


# --- the log --------------------------------------------------------------------------------------


def check_log(target: CheckTarget) -> Iterator[Finding]:
    alias, name = router.db_for_write(UploadLog), FOLDER + secrets.token_hex(8)
    facts: dict[str, Any] = {"status": UploadStatus.UNKNOWN.value, "source": "doctor"}
    row = UploadLog(env="wx-doctor", key=name, key_digest=key_digest(name), name=name, **facts)
    try:
        with transaction.atomic(using=alias):
            # Not by save(): it would send a signal, and a project may listen.
            log().bulk_create([row])
            transaction.set_rollback(True, using=alias)
    except DatabaseFailure as error:
        facts = {"alias": alias, "why": described(error)}
        text = _("The log cannot be written to %(alias)r (%(why)s).", **facts)
        hint: Text = _LOCKED if "locked" in facts["why"] else ""
        if any(word in str(error).lower() for word in _READ_ONLY):
            text = _("The database %(alias)r is read-only (%(why)s).", **facts)
            hint = _READ_ONLY_HINT
        yield wrong(text, hint=hint, data={"database": alias})
    else:
        yield ok(_("A row of the log can be written; it was rolled back."))
