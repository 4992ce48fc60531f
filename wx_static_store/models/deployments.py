"""The deploys: each publishing of many files; and which of them count in each folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import connections, models, router, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..core.releases import label_in_words
from .columns import PrimaryQuerySet, Row, key_digest, link
from .releases import Release

Link = models.ForeignKey["Deployment | None", "Deployment | None"]
BATCH = 500  # folders whose rows are locked at once


class FolderQuerySet(PrimaryQuerySet[Row]):
    def in_folder(self, folder: str) -> Self:
        """Return the rows of exactly this folder."""
        # Not by the folder itself: MariaDB's `=` ignores case.
        return self.filter(folder_digest=key_digest(folder))


class DeploymentQuerySet(FolderQuerySet["Deployment"]):
    def good(self) -> DeploymentQuerySet:
        """Return successful deployments with a release, the newest first, by their own index."""
        return self.filter(release__isnull=False).with_outcome(Deployment.Outcome.DONE)

    def with_outcome(self, outcome: str) -> DeploymentQuerySet:
        """Return deployments with this outcome, the newest first, by the index of outcomes."""
        if connections[self.db].vendor != "postgresql":
            return self.filter(outcome=outcome).order_by("-id")
        # It might rather walk through all ids: an order that they do not have keeps it from that.
        return self.filter(outcome__gte=outcome, outcome__lte=outcome).order_by("-outcome", "-id")

    def with_is_live(self) -> DeploymentQuerySet:
        """Set `is_live` on each row: visitors of the site get it; and `ends`, of previews."""
        is_live = Exists(FolderState.objects.with_live().filter(live=OuterRef("pk")))
        place = {name: OuterRef(name) for name in ("env", "folder_digest")}
        ends = Subquery(FolderState.objects.filter(**place).values("ends"))
        mark: Any = {"is_live": is_live, "ends": ends}
        return self.annotate(**mark)

    def note(self, **facts: Any) -> None:
        """Update these rows, and with them the states of their folders."""
        with transaction.atomic(using=self.db, savepoint=False):
            self.update(**facts)
            for row in self.all():
                FolderState.objects.using(self.db).follow(row)

    def unfinished(self, env: str) -> DeploymentQuerySet:
        """Return deployments whose rows are not all written (yet): older rows may be outdated."""
        return self.primary().filter(env=env, outcome__in=Deployment.UNFINISHED)


class Deployment(models.Model):
    """One publishing of many files; its uploads point here."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        # It was killed, or the database refused some of its rows.
        INCOMPLETE = "incomplete", _("log incomplete")

    class Checked(models.TextChoices):
        """What a deploy knows of the cloud afterwards; empty where it only compared before."""

        OK = "ok", _("verified")
        MISMATCHED = "mismatched", _("differs from its release")
        # The log alone decided, or the verification could not read list or site.
        NOT_COMPARED = "not_compared", _("not compared")

    UNFINISHED = (Outcome.RUNNING, Outcome.INCOMPLETE)

    env = models.CharField(_("environment"), max_length=64)
    using = models.CharField(_("store"), max_length=255, blank=True)  # an alias of STORAGES
    folder = models.CharField(_("folder"), max_length=850, blank=True)  # where its keys begin
    folder_digest = models.CharField(max_length=40, editable=False)
    source = models.CharField(_("source"), max_length=32)
    label = models.CharField(_("label"), max_length=200, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome.choices, default=Outcome.RUNNING
    )
    checked = models.CharField(
        _("verification"), max_length=16, choices=Checked.choices, blank=True
    )
    stored = models.PositiveIntegerField(_("stored"), default=0)
    skipped = models.PositiveIntegerField(_("unchanged"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    not_attempted = models.PositiveIntegerField(_("not attempted"), default=0)
    bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    duration_ms = models.PositiveBigIntegerField(_("duration (ms)"), null=True)
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    release = link(Release, _("release"), related_name="deployments", db_index=False)
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    is_live: bool  # of rows `with_is_live`
    ends: datetime | None

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["env", "id"], name="wx_deployment_newest"),
            models.Index(
                fields=["env", "folder_digest", "outcome", "id"], name="wx_deployment_folder"
            ),
            models.Index(fields=["outcome", "id"], name="wx_deployment_outcome"),
            models.Index(fields=["release", "id"], name="wx_deployment_release"),
        )

    def __str__(self) -> str:
        return f"{self.shown_label or self.source} → {self.env}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Not a column that the database fills: SQLite has no function for a digest.
        self.folder_digest = key_digest(self.folder)
        database = kwargs.get("using") or router.db_for_write(Deployment, instance=self)
        with transaction.atomic(using=database):
            super().save(*args, **kwargs)
            FolderState.objects.using(database).follow(self)

    @property
    def preview(self) -> str:
        """Return the name of the preview, of a row `with_is_live`; empty for the site."""
        return self.folder.rpartition("-")[0].rpartition("/")[2] if self.ends else ""

    @property
    def shown_label(self) -> str:
        """Return the label in the reader's language, if it was generated."""
        return label_in_words(self.label)


class FolderStateQuerySet(FolderQuerySet["FolderState"]):
    def with_live(self) -> FolderStateQuerySet:
        """Return the folders of the site where a release is live, the newest first."""
        return self.filter(live__isnull=False, ends__isnull=True).order_by("-live_id")

    def to_blank(self) -> FolderStateQuerySet:
        """Return the ended previews whose files may be public; see `releases.previews`."""
        blanked = Q(live=F("wanted"), live__checked=Deployment.Checked.OK, live__release__count=0)
        return self.filter(ends__lte=timezone.now(), wanted__isnull=False).exclude(blanked)

    def follow(self, row: Deployment) -> None:
        """Note how this deployment stands, in the transaction that writes its row."""
        place = {"env": row.env, "folder_digest": row.folder_digest}
        self.get_or_create(**place, defaults={"folder": row.folder})
        self.filter(**place).settle(since=row.pk)

    def parts(self) -> Iterator[FolderStateQuerySet]:
        """Add the rows that are missing, and yield all, some at a time, to be settled."""
        names = ("env", "folder", "folder_digest")
        places = Deployment.objects.using(self.db).order_by().values(*names).distinct()
        rows = [self.model(**place) for place in places]
        self.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
        ids = [*self.order_by("id").values_list("id", flat=True)]
        for start in range(0, len(ids), BATCH):
            yield self.filter(id__in=ids[start : start + BATCH])

    def settle(self, since: int = 0) -> None:
        """Point these rows at what counts; deployments before `since` are noted already."""
        place = {name: OuterRef(name) for name in ("env", "folder_digest")}
        every = Deployment.objects.using(self.db).filter(**place)
        late = every.filter(release__isnull=False, id__gte=since).order_by("-id")
        compared = late.filter(checked__in=FolderState.COMPARED)
        with transaction.atomic(using=self.db, savepoint=False):
            # A lock first: of two deployments that end at once, the second one sees the first. And
            # by writing: SQLite waits for no lock in a transaction that began by reading.
            self.update(env=F("env"))
            self.update(
                wanted=Coalesce(_first(late, "id"), "wanted"),
                live=_first(every.good(), "id"),
                failed=_first(every.with_outcome(Deployment.Outcome.FAILED), "id"),
                checked=Coalesce(_first(compared, "checked"), "checked"),
            )


def _first(rows: DeploymentQuerySet, column: str) -> Subquery:
    return Subquery(rows.values(column)[:1])


class FolderState(models.Model):
    """The deployments that count in a folder of an environment: nobody searches for them."""

    COMPARED = (Deployment.Checked.OK, Deployment.Checked.MISMATCHED)

    env = models.CharField(max_length=64)
    folder = models.CharField(max_length=850, blank=True)
    folder_digest = models.CharField(max_length=40)
    ends = models.DateTimeField(null=True, db_index=True)  # of a preview
    # The newest one with a release, however it ended, and the newest that ended well.
    wanted: Link = link(Deployment, None, related_name="+", db_index=False)
    live: Link = link(Deployment, None, related_name="+")
    failed: Link = link(Deployment, None, related_name="+", db_index=False)  # the newest
    # What the last comparison found, which changes none of these.
    checked = models.CharField(max_length=16, choices=Deployment.Checked.choices, blank=True)

    objects = FolderStateQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["env", "folder_digest"], name="wx_folder_once"),
        )

    def __str__(self) -> str:
        return f"{self.env} /{self.folder}"

    @property
    def is_settled(self) -> bool:
        """Return whether the wanted release is live; not so after a deploy that failed."""
        wanted, live = self.wanted, self.live
        return bool(wanted and live and wanted.release_id == live.release_id)

    def has(self, row: Deployment) -> bool:
        """Return whether the release of this row is there, as far as it is known."""
        if self.wanted is None or self.wanted.checked == Deployment.Checked.MISMATCHED:
            return False
        same = self.wanted.release_id == row.release_id
        return bool(self.wanted == row or (same and self.wanted == self.live))
