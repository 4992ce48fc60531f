"""The deploys: each publishing of many files."""

from __future__ import annotations

from django.conf import settings
from django.db import models, router
from django.utils.translation import gettext_lazy as _

from .columns import link


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def primary(self) -> DeploymentQuerySet:
        """Read from the database that is written to: a replica may be behind."""
        return self.using(router.db_for_write(self.model))

    def unfinished(self, env: str) -> DeploymentQuerySet:
        """Return those whose rows are not all written, or not yet: older rows may be outdated."""
        return self.primary().filter(env=env, outcome__in=Deployment.UNFINISHED)


class Deployment(models.Model):
    """One publishing of many files; its uploads point here."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        # It was killed, or the database refused some of its rows.
        INCOMPLETE = "incomplete", _("log incomplete")

    UNFINISHED = (Outcome.RUNNING, Outcome.INCOMPLETE)

    env = models.CharField(_("environment"), max_length=64)
    source = models.CharField(_("source"), max_length=32)
    label = models.CharField(_("label"), max_length=200, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome.choices, default=Outcome.RUNNING
    )
    stored = models.PositiveIntegerField(_("stored"), default=0)
    skipped = models.PositiveIntegerField(_("unchanged"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    not_attempted = models.PositiveIntegerField(_("not attempted"), default=0)
    bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    duration_ms = models.PositiveBigIntegerField(_("duration (ms)"), null=True)
    user = link(settings.AUTH_USER_MODEL, _("user"), related_name="+")
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        default_permissions = ("view",)
        ordering = ("-id",)
        indexes = (models.Index(fields=["env", "id"], name="wx_deployment_newest"),)

    def __str__(self) -> str:
        return f"{self.label or self.source} → {self.env}"
