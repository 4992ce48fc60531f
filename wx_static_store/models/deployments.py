"""The deploys: each publishing of many files."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections, models, router
from django.utils.translation import gettext_lazy as _

from .columns import key_digest, link
from .releases import Release


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def primary(self) -> DeploymentQuerySet:
        """Read from the database that is written to: a replica may be behind."""
        return self.using(router.db_for_write(self.model))

    def in_folder(self, folder: str) -> DeploymentQuerySet:
        """Return the deployments to exactly this folder."""
        # Not by the folder itself: MariaDB's `=` ignores case.
        return self.filter(folder_digest=key_digest(folder))

    def good(self) -> DeploymentQuerySet:
        """Return successful deployments with a release, the newest first, by their own index."""
        return self.filter(release__isnull=False).with_outcome(Deployment.Outcome.DONE)

    def with_outcome(self, outcome: str) -> DeploymentQuerySet:
        """Return deployments with this outcome, the newest first, by the index of outcomes."""
        if connections[self.db].vendor != "postgresql":
            return self.filter(outcome=outcome).order_by("-id")
        # It might rather walk through all ids: an order that they do not have keeps it from that.
        rows = self.filter(outcome__gte=outcome, outcome__lte=outcome)
        return rows.order_by("-outcome", "-id")

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

    is_live = False  # `mark_live` knows

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
        return f"{self.label or self.source} → {self.env}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Not a column that the database fills: SQLite has no function for a digest.
        self.folder_digest = key_digest(self.folder)
        super().save(*args, **kwargs)
