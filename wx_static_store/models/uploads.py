"""The log of uploads: one row for each that ended, and every permission of the app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from django.conf import settings
from django.db import connections, models
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..causes import Cause, advice, cause_of, hint
from ..core.types import DELETED_MD5, NOT_STORED, UploadStatus
from ..i18n import labelled
from .columns import PrimaryQuerySet, key_digest, link
from .deployments import Deployment

DIGESTS_A_QUERY = 25_000
WALKED = 2000  # failed rows, and unknown ones, of which each may still be the newest of its key
START = 64  # characters of a key that an index holds
# The comparison with a beginning that each database has an index for.
_BEGINS = {"postgresql": "startswith", "mysql": "istartswith"}


def _digests_a_query(alias: str) -> int:
    """Return how many digests fit into one query of the database, beside the environment."""
    connection = connections[alias]
    # MariaDB makes a subquery of a thousand values, which takes twice as long.
    most = 501 if connection.vendor == "mysql" else connection.features.max_query_params
    return min(DIGESTS_A_QUERY, most - 1) if most else DIGESTS_A_QUERY


class Dismissal(models.Model):
    """Who removed a failed upload from the page *Still failing*; its own row is unchanged."""

    upload = models.OneToOneField(
        "UploadLog", on_delete=models.CASCADE, db_constraint=False, related_name="dismissal"
    )
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("dismissal")
        verbose_name_plural = _("dismissals")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.upload_id)


class UploadLogQuerySet(PrimaryQuerySet["UploadLog"]):
    def insert(self, rows: Sequence[dict[str, Any]]) -> int:
        """Add rows of the same columns, without an object for each; return their number."""
        # A file costs a millisecond in all, of which `bulk_create` would take a tenth.
        connection, columns, now = connections[self.db], [*rows[0], "created"], timezone.now()
        names = ", ".join(map(connection.ops.quote_name, columns))
        table = connection.ops.quote_name(UploadLog._meta.db_table)
        fields: list[Any] = [UploadLog._meta.get_field(column) for column in columns]
        size = min(500, connection.ops.bulk_batch_size(columns, rows))
        one = f"({', '.join(['%s'] * len(columns))})"
        with connection.cursor() as cursor:
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                values = [
                    # Texts and numbers go as they are; a user's id may be a UUID.
                    value
                    if value is None or isinstance(value, str | int)
                    else field.get_db_prep_save(value, connection)
                    for row in part
                    for field, value in zip(fields, (*row.values(), now), strict=True)
                ]
                lines = ", ".join([one] * len(part))
                # Only names of columns are written into it.
                sql = f"INSERT INTO {table} ({names}) VALUES {lines}"  # noqa: S608  # nosec B608
                cursor.execute(sql, values)
        return len(rows)

    def newest(self, env: str, keys: Iterable[str]) -> dict[str, UploadLog]:
        """Return the newest row of each key, whatever its status, from the primary database."""
        rows = self.primary()
        return {
            row.key: row
            for last_stored in rows._newest(env, keys)
            for row in rows.filter(id__in=list(last_stored)).order_by()
        }

    def newest_of(self, rows: Iterable[UploadLog]) -> dict[tuple[str, str], UploadLog]:
        """Return the newest row for the key of each row, by environment and digest of the key."""
        keys = defaultdict(set)
        for row in rows:
            keys[row.env].add(row.key_digest)
        if not keys:
            return {}
        same = (models.Q(env=env, key_digest__in=digests) for env, digests in keys.items())
        wanted = self.primary().filter(reduce(or_, same)).order_by()
        ids = wanted.values("env", "key_digest").annotate(newest=models.Max("id"))
        found = self.primary().filter(id__in=[*ids.values_list("newest", flat=True)]).order_by()
        return {(row.env, row.key_digest): row for row in found}

    def newest_values(
        self, env: str, keys: Iterable[str], *fields: str
    ) -> Iterator[tuple[Any, ...]]:
        """Yield some columns of these rows, and when COS stored the key last, by any row."""
        # Whole rows of 100,000 files are 100 MB.
        rows = self.primary()
        for last_stored in rows._newest(env, keys):
            newest = rows.filter(id__in=list(last_stored)).order_by()
            for pk, *values in newest.values_list("id", *fields):
                yield *values, last_stored[pk]

    def _newest(self, env: str, keys: Iterable[str]) -> Iterator[dict[int, datetime | None]]:
        """Yield the ids of the newest rows, and when COS stored their keys last, in parts."""
        # Ids are queried first, for MariaDB plans the rows of such a subquery badly.
        digests, most = map(key_digest, keys), _digests_a_query(self.db)
        for part in iter(lambda: list(islice(digests, most)), []):
            rows = self.filter(env=env, key_digest__in=part).order_by().values("key_digest")
            newest = rows.annotate(newest=models.Max("id"), last=models.Max("stored_at"))
            yield dict(newest.values_list("newest", "last"))

    def stored_in_the_same_second(
        self, env: str, digests: Sequence[str]
    ) -> Iterator[tuple[str, datetime | None]]:
        """Yield keys (as digests) and seconds in which COS stored different bytes there."""
        rows, most = self.primary().filter(env=env), _digests_a_query(self.db)
        for start in range(0, len(digests), most):
            part = rows.filter(key_digest__in=digests[start : start + most]).order_by()
            moments = part.exclude(stored_at=None).values("key_digest", "stored_at")
            several = moments.annotate(bodies=models.Count("md5", distinct=True))
            yield from several.filter(bodies__gt=1).values_list("key_digest", "stored_at")

    def beginning_with(self, text: str) -> UploadLogQuerySet:
        """Return the rows whose key begins with the text, by an index."""
        start, vendor = text[:START], connections[self.db].vendor
        if vendor == "sqlite":
            # It asks no index for LIKE; `<` and `>=` compare bytes.
            return self.filter(key_start__gte=start, key_start__lt=f"{start}\U0010ffff").filter(
                key__startswith=text
            )
        # MariaDB's own comparison knows no case, so the key is compared as well.
        return self.filter(**{f"key_start__{_BEGINS[vendor]}": start}, key__startswith=text)

    def among_newest(self, count: int) -> UploadLogQuerySet:
        """Return the rows that are among the `count` newest ids of the whole log."""
        return self.filter(id__gt=self.end_of_newest(count))

    def end_of_newest(self, count: int) -> int:
        """Return the id before the `count` newest ids of the whole log."""
        # By the number alone, as an offset reads them all; deleted rows leave fewer.
        last = UploadLog.objects.using(self.db).aggregate(last=models.Max("id"))["last"]
        return (last or 0) - count

    def still_failing(self) -> UploadLogQuerySet:
        """Return the newest row of each key that is not stored, unless somebody dismissed it."""
        same_key = {name: models.OuterRef(name) for name in ("env", "key_digest")}
        rows = UploadLog.objects.using(self.db)
        newer = models.Exists(rows.filter(**same_key, id__gt=models.OuterRef("id")))
        dismissals = Dismissal._base_manager.using(self.db).filter(upload=models.OuterRef("id"))
        # A refused name has no key: each of its rows counts.
        failing = self.filter(models.Q(key="") | ~newer, ~models.Exists(dismissals))
        older = self.older_failures()
        return failing.filter(status__in=NOT_STORED, **({"id__gt": older} if older else {}))

    def older_failures(self) -> int | None:
        """Return the id of the newest failed row too old for `still_failing` to read, or None."""
        ids = self.order_by("-id").values_list("id", flat=True)
        each = (ids.filter(status=status)[WALKED : WALKED + 1] for status in NOT_STORED)
        return max((pk for found in each for pk in found), default=None)

    def of_cause(self, code: str) -> UploadLogQuerySet:
        """Return the rows that are not stored because of this cause."""
        # The address of a page may hold a NUL; PostgreSQL raises an error for such a text.
        return self.none() if "\0" in code else self.filter(status__in=NOT_STORED, cause=code)

    def with_key(self, key: str) -> UploadLogQuerySet:
        """Return the rows of exactly this key, whatever their environment."""
        return self.filter(key_start=key[:START], key_digest=key_digest(key))


class UploadLog(models.Model):
    """How one upload ended. Rows are only added: a correction is a new row."""

    class Status(models.TextChoices):
        STORED = UploadStatus.STORED.value, _("stored")
        FAILED = UploadStatus.FAILED.value, _("failed")
        UNKNOWN = UploadStatus.UNKNOWN.value, _("unknown")

    env = models.CharField(_("environment"), max_length=64)
    # COS takes 850 bytes. A refused name has no key, and may be longer.
    key = models.CharField(_("key"), max_length=850)
    key_digest = models.CharField(max_length=40, editable=False)
    # The database fills it: nobody who adds a row can forget.
    key_start = models.GeneratedField(
        expression=Left("key", START),
        output_field=models.CharField(max_length=START),
        db_persist=True,
    )
    name = models.CharField(_("name"), max_length=1024)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices)
    stage = models.CharField(_("stage"), max_length=16, blank=True)
    cause = models.CharField(_("cause"), max_length=64, blank=True)
    errcode = models.IntegerField(_("errcode"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=1000, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    cos_code = models.CharField(_("COS code"), max_length=64, blank=True)
    rid = models.CharField(_("rid"), max_length=64, blank=True)
    request_id = models.CharField(_("request id"), max_length=128, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    size = models.PositiveBigIntegerField(_("size"), null=True, blank=True)
    md5 = models.CharField(_("MD5"), max_length=32, blank=True)
    content_type = models.CharField(_("content type"), max_length=255, blank=True)
    cache_control = models.CharField(_("cache control"), max_length=255, blank=True)
    other_headers = models.TextField(_("other headers"), blank=True)
    duration_ms = models.PositiveBigIntegerField(_("duration (ms)"), default=0)
    # By the clock of COS: the `Date` of its answer, or what a list said of the object.
    stored_at = models.DateTimeField(_("stored at (COS)"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=32)
    source_ref = models.CharField(_("source reference"), max_length=255, blank=True)
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    deployment = link(Deployment, _("deployment"), related_name="uploads")
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    objects = UploadLogQuerySet.as_manager()

    class Meta:
        # Of `key_start`; without it, checks would find fault with a project that has no database.
        required_db_features = ("supports_stored_generated_columns",)
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        # Nobody may add, change or delete a row by hand: rows say what happened.
        default_permissions = ("view",)
        permissions = (
            ("upload", _("Can upload files to the public site")),
            ("upload_active_content", _("Can upload HTML, scripts and other active content")),
            ("replace", _("Can replace a published file")),
            ("replace_protected", _("Can replace protected files, such as domain verification")),
            ("unpublish", _("Can make a published file unpublic")),
            ("retry", _("Can upload a file again")),
            ("diagnose", _("Can ask what WeChat received")),
            ("deploy", _("Can deploy a release again")),
        )
        # Not by `created`: clocks of machines differ.
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["env", "key_digest", "id"], name="wx_upload_newest"),
            models.Index(fields=["env", "id"], name="wx_upload_env"),
            models.Index(fields=["rid"], name="wx_upload_rid"),
            models.Index(fields=["status", "id"], name="wx_upload_status"),
            models.Index(fields=["status", "errcode", "id"], name="wx_upload_errcode"),
            models.Index(fields=["status", "cause", "id"], name="wx_upload_cause"),
            models.Index(fields=["source", "id"], name="wx_upload_source"),
            # PostgreSQL asks for its own kind of index to find a beginning; the others ignore it.
            models.Index(
                fields=["key_start"], opclasses=["varchar_pattern_ops"], name="wx_upload_key_start"
            ),
        )

    def __str__(self) -> str:
        return labelled(self.key, self.get_status_display())

    @property
    def why(self) -> Cause | None:
        """Return the entry of the table of causes; None where the file is stored."""
        return None if self.status == UploadStatus.STORED else cause_of(self.cause)

    @property
    def advice(self) -> str | Promise:
        """Return what an editor can do; empty if nothing is to be done."""
        return advice(self.cause, self.status)

    @property
    def hint(self) -> str | Promise:
        """Return what an operator can do; empty if nothing is to be done."""
        return hint(self.cause, self.message, self.env) if self.why else ""

    @property
    def is_deletion(self) -> bool:
        """Return whether the row records the deletion marker, whoever sent it."""
        return self.md5 == DELETED_MD5
